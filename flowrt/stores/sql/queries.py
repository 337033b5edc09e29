"""Reading by many keys, in portions, and the locks that each database knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Table, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql import Select

from flowrt.stores.sql.parts import Parts
from flowrt.stores.sql.types import KeyText

_PORTION = 512

T = TypeVar("T")


@dataclass(slots=True)
class Queries:
    """Select statements confined to one application."""

    application: str
    dialect: str
    parts: Parts | None = None

    def of(self, *columns: ColumnElement[Any]) -> Select[Any]:
        """A query of columns, within the application."""
        table = columns[0].table
        return select(*columns).where(table.c.application_id == self.application)

    def among(self, key: ColumnElement[Any], *columns: ColumnElement[Any]) -> Select[Any]:
        """A query of columns, to be given the values of its key by `rows`."""
        return self.of(*columns).where(self._one_of(key))

    def rows(self, connection: Connection, query: Select[Any], values: Sequence[str]) -> Iterator[Any]:
        """What a query `among` finds."""
        for start in range(0, len(values), _PORTION):
            portion = values[start : start + _PORTION]
            if self.dialect != "postgresql":
                portion = doubled(portion)
            yield from self.whole(connection, query, {"values": portion})

    def whole(self, connection: Connection, query: Select[Any], values: Mapping[str, Any] | None = None) -> Any:
        """What a query finds, with its long values."""
        found = connection.execute(query, values)
        if self.parts is None:
            return found
        return [self.parts.whole(connection, row) for row in found.all()]

    def _one_of(self, key: ColumnElement[Any]) -> ColumnElement[bool]:
        if self.dialect == "postgresql":
            # One parameter, so that the statement is the same for any number of values.
            return key == any_(bindparam("values", type_=ARRAY(KeyText())))
        return key.in_(bindparam("values", type_=KeyText(), expanding=True))

    def locked(self, query: Select[Any], table: Table, shared: bool = False) -> Select[Any]:
        """The query, locking what it finds until the transaction ends. SQLite locks its file anyway."""
        if self.dialect == "mssql":
            return query.with_hint(table, f"WITH ({'HOLDLOCK' if shared else 'UPDLOCK'}, ROWLOCK)", "mssql")
        return query.with_for_update(read=shared and self.dialect != "oracle")


def doubled(values: Sequence[T]) -> list[T]:
    """The values, the last of them repeated up to a power of two: so that statements are of few lengths to prepare."""
    return [*values, *[values[-1]] * ((1 << (len(values) - 1).bit_length()) - len(values))]
