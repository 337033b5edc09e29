"""Reading by many keys, in portions, and the locks that each database knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql import Select

from flowrt.stores.sql.types import KeyText

_PORTION = 500


@dataclass(slots=True)
class Queries:
    """Select statements confined to one application."""

    application: str
    dialect: str

    def of(self, *columns: ColumnElement[Any]) -> Select[Any]:
        """A query of columns, within the application."""
        table = columns[0].table  # type: ignore[attr-defined]
        return select(*columns).where(table.c.application_id == self.application)

    def among(
        self,
        connection: Connection,
        columns: Sequence[ColumnElement[Any]],
        key: ColumnElement[Any],
        values: Sequence[str],
        *conditions: ColumnElement[bool],
        lock: bool = False,
    ) -> Iterator[Row[Any]]:
        """The rows whose key is one of the values."""
        for start in range(0, len(values), _PORTION):
            query = self.of(*columns).where(self.one_of(key, values[start : start + _PORTION]), *conditions)
            yield from connection.execute(self.locked(query, key.table) if lock else query)  # type: ignore[attr-defined]

    def one_of(self, key: ColumnElement[Any], values: Sequence[str]) -> ColumnElement[bool]:
        """The condition that a key is one of the values."""
        if self.dialect == "postgresql":
            # One parameter, so that the statement is the same for any number of values.
            return key == any_(bindparam(None, list(values), ARRAY(KeyText())))
        return key.in_(values)

    def locked(self, query: Select[Any], table: Table, shared: bool = False) -> Select[Any]:
        """The query, locking what it finds until the transaction ends. SQLite locks its file anyway."""
        if self.dialect == "mssql":
            return query.with_hint(table, "WITH (UPDLOCK, ROWLOCK)", "mssql")
        return query.with_for_update(read=shared and self.dialect != "oracle")
