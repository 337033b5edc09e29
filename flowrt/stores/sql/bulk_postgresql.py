"""PostgreSQL: a batch of rows is one statement, and so are most commits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table

from flowrt.stores.sql import statements_postgresql as statements
from flowrt.stores.sql.bulk import Change, Row, Standing, Where, portions
from flowrt.stores.sql.tables import Tables
from flowrt.stores.sql.text import escape
from flowrt.stores.sql.together_postgresql import MOST_BYTES, TogetherInPostgresql

_MOST_ROWS = 20_000


class PostgresqlBulk:
    """With UNNEST."""

    def __init__(self, application: str, tables: Tables) -> None:
        self._application, self._tables = escape(application), tables

    def insert(self, connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
        self._execute(connection, table, columns, rows, statements.insert, table, columns)

    def put(
        self, connection: Connection, table: Table, key: tuple[str, ...], columns: tuple[str, ...], rows: Sequence[Row]
    ) -> None:
        # In one order for all, lest two transactions wait for each other.
        ordered = sorted(rows, key=lambda row: row[: len(key)])
        self._execute(connection, table, (*key, *columns), ordered, statements.put, table, key, columns)

    def update(self, connection: Connection, table: Table, where: Where, change: Change, rows: Sequence[Row]) -> None:
        columns = (*where.columns, *change.columns, *change.kept)
        self._execute(connection, table, columns, rows, statements.update, table, where, change)

    def delete(self, connection: Connection, table: Table, where: Where, rows: Sequence[Row]) -> None:
        self._execute(connection, table, where.columns, rows, statements.delete, table, where)

    def copy(
        self,
        connection: Connection,
        source: Table,
        target: Table,
        columns: tuple[str, ...],
        where: Where,
        rows: Sequence[Row],
    ) -> None:
        self._execute(connection, source, where.columns, rows, statements.copy, source, target, columns, where)

    def together(self, connection: Connection, expected: Mapping[str, Standing], token: int) -> TogetherInPostgresql:
        return TogetherInPostgresql(self._application, self._tables, expected, token)

    def _execute(
        self,
        connection: Connection,
        table: Table,
        columns: tuple[str, ...],
        rows: Sequence[Row],
        verb: Callable[..., str],
        *what: Any,
    ) -> None:
        text = _text(verb, what, table, columns)
        for portion in portions(rows, _MOST_ROWS, MOST_BYTES):
            connection.exec_driver_sql(text, (self._application, *statements.arrays_of(table, columns, portion)))


@cache
def _text(verb: Callable[..., str], what: tuple[Any, ...], table: Table, columns: tuple[str, ...]) -> str:
    return verb(*what, statements.unnested(table, columns))
