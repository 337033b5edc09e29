"""Reading by many keys, in portions, and the locks that each database knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Table, bindparam, func, literal_column, select, true
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

    def among(
        self, key: ColumnElement[Any], *columns: ColumnElement[Any], also: ColumnElement[bool] | None = None
    ) -> Select[Any]:
        """A query of columns, to be given the values of its key by `rows`; `also` is a condition more."""
        query = self.of(*columns) if also is None else self.of(*columns).where(also)
        if self.dialect != "postgresql":
            return query.where(key.in_(bindparam("values", type_=KeyText(), expanding=True)))
        # Looked up one by one, as what a commit changes is, whatever the tables seem to hold. And one parameter, so
        # that the statement is the same for any number of values.
        given = (
            func.unnest(bindparam("values", type_=ARRAY(KeyText())))
            .table_valued("value", name="given")
            .render_derived()
        )
        found = query.where(key == given.c.value).offset(literal_column("0")).lateral("found")
        return select(*found.c).select_from(given.join(found, true()))

    def rows(self, connection: Connection, query: Select[Any], values: Sequence[str]) -> Iterator[Any]:
        """What a query `among` finds."""
        distinct = list(dict.fromkeys(values))
        for start in range(0, len(distinct), _PORTION):
            portion = distinct[start : start + _PORTION]
            if self.dialect != "postgresql":
                portion = doubled(portion)
            yield from self.whole(connection, query, {"values": portion})

    def whole(self, connection: Connection, query: Select[Any], values: Mapping[str, Any] | None = None) -> Any:
        """What a query finds, with its long values."""
        found = connection.execute(query, values)
        if self.parts is None:
            return found
        return [self.parts.whole(connection, row) for row in found.all()]

    def locked(self, query: Select[Any], table: Table, shared: bool = False) -> Select[Any]:
        """The query, locking what it finds until the transaction ends. SQLite locks its file anyway."""
        if self.dialect == "mssql":
            return query.with_hint(table, f"WITH ({'HOLDLOCK' if shared else 'UPDLOCK'}, ROWLOCK)", "mssql")
        return query.with_for_update(read=shared and self.dialect != "oracle")


def doubled(values: Sequence[T]) -> list[T]:
    """The values, the last of them repeated up to a power of two: so that statements are of few lengths to prepare."""
    return [*values, *[values[-1]] * ((1 << (len(values) - 1).bit_length()) - len(values))]
