"""SQLite: new rows many to a statement, everything else with executemany.

Each step of a statement lets go of the interpreter's lock, and waits for it afterwards while the event loop is busy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from itertools import chain

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import sqlite

from flowrt.stores.sql.bulk import Change, Row, Standing, Where, in_powers_of_two
from flowrt.stores.sql.columns import Columns, Values, Writes, columns_of, each, escaped
from flowrt.stores.sql.tables import COMPLETED
from flowrt.stores.sql.text import escape
from flowrt.stores.sql.types import Instant, KeyText, LargeBinary

_MOST_ROWS = 256
"""In one statement: 32,766 parameters are the most that SQLite takes as shipped."""


class SqliteBulk:
    """Parameters are numbered: the application, then the columns of a row."""

    def __init__(self, application: str) -> None:
        self._application = escape(application)

    def insert(self, connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
        new = columns_of(_WRITES, table, columns, rows)
        for portion in in_powers_of_two(list(new.rows()), _MOST_ROWS):
            given = (self._application, *chain.from_iterable(portion))
            connection.exec_driver_sql(_insert(table, new.names, len(portion)), given)

    def put(
        self, connection: Connection, table: Table, key: tuple[str, ...], columns: tuple[str, ...], rows: Sequence[Row]
    ) -> None:
        new = columns_of(_WRITES, table, (*key, *columns), rows)
        self._each(connection, _insert(table, new.names, 1).replace("INSERT", "INSERT OR REPLACE", 1), new)

    def update(self, connection: Connection, table: Table, where: Where, change: Change, rows: Sequence[Row]) -> None:
        always = (*where.columns, *change.columns)
        new = columns_of(_WRITES, table, (*always, *change.kept), rows, always=len(always))
        self._each(connection, _update(table, where, change.of(new.names)), new)

    def delete(self, connection: Connection, table: Table, where: Where, rows: Sequence[Row]) -> None:
        keys = columns_of(_WRITES, table, where.columns, rows, always=len(where.columns))
        self._each(connection, f"DELETE FROM {_name(table)} WHERE {_matches(where)}", keys)

    def copy(
        self,
        connection: Connection,
        source: Table,
        target: Table,
        columns: tuple[str, ...],
        where: Where,
        rows: Sequence[Row],
    ) -> None:
        keys = columns_of(_WRITES, source, where.columns, rows, always=len(where.columns))
        names = ", ".join(_quoted(name) for name in ("application_id", *columns))
        statement = f"INSERT INTO {_name(target)} ({names}) SELECT {names} FROM {_name(source)}"
        self._each(connection, f"{statement} WHERE {_matches(where)}", keys)

    def together(self, connection: Connection, expected: Mapping[str, Standing], token: int) -> None:
        """Every verb is a statement of its own: there is no server to wait for."""

    def _each(self, connection: Connection, statement: str, new: Columns) -> None:
        connection.exec_driver_sql(statement, list(new.rows(self._application)))


_preparer = sqlite.dialect().identifier_preparer


@cache
def _insert(table: Table, columns: tuple[str, ...], count: int) -> str:
    names = ", ".join(_quoted(name) for name in ("application_id", *columns))
    # Parameters without a number take the next after all before them.
    row = f"({', '.join(['?1', *['?'] * len(columns)])})"
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


def _calendar(at: float) -> str:
    second, microseconds = divmod(round(at * 1e6), 1_000_000)
    return f"{_second(second)}.{microseconds:06}+00:00"


@lru_cache(maxsize=1024)
def _second(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().removesuffix("+00:00")


def _blobs(values: Values) -> Values:
    # Bytes, unlike these, the driver first offers to adapters that nobody has registered.
    return [None if value is None else bytearray(value) for value in values]


_WRITES: Writes = ((KeyText, escaped), (Instant, each(_calendar)), (LargeBinary, _blobs))


def _name(table: Table) -> str:
    return _preparer.format_table(table)


def _quoted(name: str) -> str:
    return _preparer.quote(name)
