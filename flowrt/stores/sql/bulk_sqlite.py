"""SQLite: new rows many to a statement, everything else with executemany.

Each step of a statement lets go of the interpreter's lock, and waits for it afterwards while the event loop is busy.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import chain

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import sqlite

from flowrt.stores.sql.bulk import Change, Row, Where
from flowrt.stores.sql.tables import COMPLETED, Tables
from flowrt.stores.sql.text import escape
from flowrt.stores.sql.written import Written, converted, written

_MOST_ROWS = 256
"""In one statement: 32,766 parameters are the most that SQLite takes as shipped."""


class SqliteBulk:
    """Parameters are numbered: the application, then the columns of a row."""

    def __init__(self, application: str) -> None:
        self._application = escape(application)

    def insert(self, connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
        values, start = self._values(table, columns, rows), 0
        while start < len(values):
            # In powers of two, so that there are few statements to prepare.
            count = min(_MOST_ROWS, 1 << (len(values) - start).bit_length() - 1)
            given = tuple(chain.from_iterable(values[start : start + count]))
            connection.exec_driver_sql(_insert(table, columns, count), given)
            start += count

    def put(
        self, connection: Connection, table: Table, key: tuple[str, ...], columns: tuple[str, ...], rows: Sequence[Row]
    ) -> None:
        names = (*key, *columns)
        self._execute(
            connection, _insert(table, names, 1).replace("INSERT", "INSERT OR REPLACE", 1), table, names, rows
        )

    def update(self, connection: Connection, table: Table, where: Where, change: Change, rows: Sequence[Row]) -> None:
        columns = (*where.columns, *change.columns, *change.kept)
        self._execute(connection, _update(table, where, change), table, columns, rows)

    def delete(self, connection: Connection, table: Table, where: Where, rows: Sequence[Row]) -> None:
        statement = f"DELETE FROM {_name(table)} WHERE {_matches(where)}"
        self._execute(connection, statement, table, where.columns, rows)

    def copy(
        self,
        connection: Connection,
        source: Table,
        target: Table,
        columns: tuple[str, ...],
        where: Where,
        rows: Sequence[Row],
    ) -> None:
        names = ", ".join(_quoted(name) for name in ("application_id", *columns))
        statement = f"INSERT INTO {_name(target)} ({names}) SELECT {names} FROM {_name(source)} WHERE {_matches(where)}"
        self._execute(connection, statement, source, where.columns, rows)

    def together(self, tables: Tables) -> None:
        """Every verb is a statement of its own."""

    def _execute(
        self, connection: Connection, statement: str, table: Table, columns: tuple[str, ...], rows: Sequence[Row]
    ) -> None:
        connection.exec_driver_sql(statement, self._values(table, columns, rows))

    def _values(self, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> list[Row]:
        return converted(self._application, _written(table, columns), list(zip(*rows, strict=True)))


_preparer = sqlite.dialect().identifier_preparer


@cache
def _insert(table: Table, columns: tuple[str, ...], count: int) -> str:
    names = ", ".join(_quoted(name) for name in ("application_id", *columns))
    row = f"({', '.join(['?'] * (len(columns) + 1))})"
    return f"INSERT INTO {_name(table)} ({names}) VALUES {', '.join([row] * count)}"


@cache
def _update(table: Table, where: Where, change: Change) -> str:
    first = len(where.columns) + 2
    values = [f"{_quoted(name)} = ?{place}" for place, name in enumerate(change.columns, first)]
    first += len(change.columns)
    values += [f"{_quoted(n)} = coalesce(?{place}, {_quoted(n)})" for place, n in enumerate(change.kept, first)]
    return f"UPDATE {_name(table)} SET {', '.join(values)} WHERE {_matches(where)}"


@cache
def _matches(where: Where) -> str:
    conditions = ["application_id = ?1", *(f"{_quoted(name)} = ?{place}" for place, name in enumerate(where.key, 2))]
    if where.below is not None:
        conditions.append(f"{_quoted(where.below)} < ?{len(where.key) + 2}")
    if where.completed is not None:
        conditions.append(f"task_type {'=' if where.completed else '<>'} {COMPLETED}")
    return " AND ".join(conditions)


@cache
def _written(table: Table, columns: tuple[str, ...]) -> Written:
    return written(table, columns, _calendar)


def _calendar(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds")


def _name(table: Table) -> str:
    return _preparer.format_table(table)


def _quoted(name: str) -> str:
    return _preparer.quote(name)
