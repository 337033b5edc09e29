"""MySQL and MariaDB: a batch of rows is one prepared statement, or a few with many rows each; long values apart.

MariaDB takes all rows of a prepared statement in one message, in binary form, if each column has values of one type in
it; so columns that hold only NULLs are left out of what is inserted. What it does not take so, and everything for
MySQL, the driver writes out as text, many rows behind VALUES.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import mysql

from flowrt.stores.sql.bulk import Change, Row, Where, portions
from flowrt.stores.sql.parts import Parts, owner_of
from flowrt.stores.sql.queries import doubled
from flowrt.stores.sql.tables import COMPLETED, Tables
from flowrt.stores.sql.text import escape
from flowrt.stores.sql.written import Written, converted, written

_MOST_KEYS = 128
"""In one condition: short enough for the optimizer to see ranges in it."""
_MOST_ROWS = 5_000
_MOST_BYTES = 4 * 1024 * 1024
"""In one message, of which a server as shipped takes 16 MiB."""
_EPOCH = datetime(1970, 1, 1)


class MysqlBulk:
    """With executemany."""

    def __init__(self, application: str, parts: Parts) -> None:
        self._application = escape(application)
        self._parts = parts

    def insert(self, connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
        kept, owners = self._parts.take(connection, columns, rows)
        self._write(connection, table, columns, kept)
        self._parts.sweep(connection, owners)

    def put(
        self, connection: Connection, table: Table, key: tuple[str, ...], columns: tuple[str, ...], rows: Sequence[Row]
    ) -> None:
        names = (*key, *columns)
        kept, _ = self._parts.take(connection, names, rows, alone=True)
        # In one order for all, lest two transactions wait for each other.
        ordered = sorted(kept, key=lambda row: row[: len(key)])
        self._write(connection, table, names, ordered, Change(columns))

    def update(self, connection: Connection, table: Table, where: Where, change: Change, rows: Sequence[Row]) -> None:
        # What is updated is known to be there, and locked: only the second half of this statement ever happens.
        columns = (*where.columns, *change.columns, *change.kept)
        kept, owners = self._parts.take(connection, columns, rows)
        self._write(connection, table, columns, kept, change)
        self._parts.sweep(connection, owners)

    def delete(self, connection: Connection, table: Table, where: Where, rows: Sequence[Row]) -> None:
        if table.name in ("process_instance_entity", "cloud_event_entity"):
            self._parts.remove(connection, [owner_of(where.columns, row) for row in rows])
        statement = f"DELETE FROM {_name(table)} WHERE"
        # What is one message for MariaDB would be one for each row for MySQL.
        write = self._each if getattr(connection.dialect, "is_mariadb", False) else self._together
        write(connection, statement, table, where, rows)

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
        statement = f"INSERT INTO {_name(target)} ({names}) SELECT {names} FROM {_name(source)} WHERE"
        self._together(connection, statement, source, where, rows)

    def together(self, tables: Tables) -> None:
        """Every verb is a statement of its own."""

    def _write(
        self,
        connection: Connection,
        table: Table,
        columns: tuple[str, ...],
        rows: Sequence[Row],
        change: Change | None = None,
    ) -> None:
        for portion in portions(rows, _MOST_ROWS, _MOST_BYTES):
            arrays = list(zip(*portion, strict=True))
            held = [place for place, values in enumerate(arrays) if values.count(None) < len(portion)]
            names = tuple(columns[place] for place in held)
            statement = _insert(table, names) if change is None else _put(table, names, change)
            how = _written(table, names)
            connection.exec_driver_sql(statement, converted(self._application, how, [arrays[place] for place in held]))

    def _each(self, connection: Connection, statement: str, table: Table, where: Where, rows: Sequence[Row]) -> None:
        how = _written(table, where.columns)
        for portion in portions(rows, _MOST_ROWS, _MOST_BYTES):
            values = converted(self._application, how, list(zip(*portion, strict=True)))
            connection.exec_driver_sql(f"{statement} {_mine(where)} AND {_matches(where)}", values)

    def _together(
        self, connection: Connection, statement: str, table: Table, where: Where, rows: Sequence[Row]
    ) -> None:
        how = _written(table, where.columns)
        for portion in portions(rows, _MOST_KEYS, _MOST_BYTES):
            keys = doubled(converted(self._application, how, list(zip(*portion, strict=True))))
            conditions = " OR ".join([_matches(where)] * len(keys))
            values = (self._application, *(value for key in keys for value in key[1:]))
            connection.exec_driver_sql(f"{statement} {_mine(where)} AND ({conditions})", values)


_preparer = mysql.dialect().identifier_preparer


@cache
def _insert(table: Table, columns: tuple[str, ...]) -> str:
    names = ", ".join(_quoted(name) for name in ("application_id", *columns))
    return f"INSERT INTO {_name(table)} ({names}) VALUES ({', '.join(['%s'] * (len(columns) + 1))})"


@cache
def _put(table: Table, columns: tuple[str, ...], change: Change) -> str:
    values = [f"{_quoted(name)} = VALUES({_quoted(name)})" for name in change.columns]
    values += [f"{_quoted(name)} = COALESCE(VALUES({_quoted(name)}), {_quoted(name)})" for name in change.kept]
    return f"{_insert(table, columns)} ON DUPLICATE KEY UPDATE {', '.join(values)}"


@cache
def _mine(where: Where) -> str:
    if where.completed is None:
        return "application_id = %s"
    return f"application_id = %s AND task_type {'=' if where.completed else '<>'} {COMPLETED}"


@cache
def _matches(where: Where) -> str:
    conditions = [f"{_quoted(name)} = %s" for name in where.key]
    if where.below is not None:
        conditions.append(f"{_quoted(where.below)} < %s")
    return f"({' AND '.join(conditions)})"


@cache
def _written(table: Table, columns: tuple[str, ...]) -> Written:
    return written(table, columns, _calendar)


def _calendar(at: float) -> datetime:
    return _EPOCH + timedelta(seconds=at)


def _name(table: Table) -> str:
    return _preparer.format_table(table)


def _quoted(name: str) -> str:
    return _preparer.quote(name)
