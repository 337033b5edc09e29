"""MySQL and MariaDB: a batch of rows is a few statements with many rows each, long values apart."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import mysql

from flowrt.stores.sql.bulk import Change, Row, Where, portions
from flowrt.stores.sql.parts import Parts, owner_of
from flowrt.stores.sql.tables import COMPLETED
from flowrt.stores.sql.text import escape
from flowrt.stores.sql.written import Written, converted, written

_MOST_KEYS = 200
"""In one condition: short enough for the optimizer to see ranges in it."""
_MOST_BYTES = 64 * 1024 * 1024


class MysqlBulk:
    """With many rows behind VALUES; the driver cuts what gets too long."""

    def __init__(self, application: str, parts: Parts) -> None:
        self._application = escape(application)
        self._parts = parts

    def insert(self, connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
        kept, owners = self._parts.take(connection, columns, rows)
        self._write(connection, _insert(table, columns), table, columns, kept)
        self._parts.sweep(connection, owners)

    def put(
        self, connection: Connection, table: Table, key: tuple[str, ...], columns: tuple[str, ...], rows: Sequence[Row]
    ) -> None:
        names = (*key, *columns)
        kept, _ = self._parts.take(connection, names, rows, alone=True)
        # In one order for all, lest two transactions wait for each other.
        ordered = sorted(kept, key=lambda row: row[: len(key)])
        self._write(connection, _put(table, names, Change(columns)), table, names, ordered)

    def update(self, connection: Connection, table: Table, where: Where, change: Change, rows: Sequence[Row]) -> None:
        # What is updated is known to be there, and locked: only the second half of this statement ever happens.
        columns = (*where.columns, *change.columns, *change.kept)
        kept, owners = self._parts.take(connection, columns, rows)
        self._write(connection, _put(table, columns, change), table, columns, kept)
        self._parts.sweep(connection, owners)

    def delete(self, connection: Connection, table: Table, where: Where, rows: Sequence[Row]) -> None:
        if table.name in ("process_instance_entity", "cloud_event_entity"):
            self._parts.remove(connection, [owner_of(where.columns, row) for row in rows])
        self._where(connection, f"DELETE FROM {_name(table)} WHERE ", table, where, rows)

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
        statement = f"INSERT INTO {_name(target)} ({names}) SELECT {names} FROM {_name(source)} WHERE "
        self._where(connection, statement, source, where, rows)

    def _write(
        self, connection: Connection, statement: str, table: Table, columns: tuple[str, ...], rows: Sequence[Row]
    ) -> None:
        how = _written(table, columns)
        for portion in portions(rows, len(rows), _MOST_BYTES):
            connection.exec_driver_sql(statement, converted(self._application, how, portion))

    def _where(self, connection: Connection, statement: str, table: Table, where: Where, rows: Sequence[Row]) -> None:
        condition, how = _matches(where), _written(table, where.columns)
        for portion in portions(rows, _MOST_KEYS, _MOST_BYTES):
            values = [value for row in converted(self._application, how, portion) for value in row[1:]]
            conditions = " OR ".join([condition] * len(portion))
            completed = (
                "" if where.completed is None else f" AND task_type {'=' if where.completed else '<>'} {COMPLETED}"
            )
            connection.exec_driver_sql(
                f"{statement} application_id = %s AND ({conditions}){completed}", (self._application, *values)
            )


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
def _matches(where: Where) -> str:
    conditions = [f"{_quoted(name)} = %s" for name in where.key]
    if where.below is not None:
        conditions.append(f"{_quoted(where.below)} < %s")
    return f"({' AND '.join(conditions)})"


@cache
def _written(table: Table, columns: tuple[str, ...]) -> Written:
    return written(table, columns, _calendar)


def _calendar(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC).replace(tzinfo=None)


def _name(table: Table) -> str:
    return _preparer.format_table(table)


def _quoted(name: str) -> str:
    return _preparer.quote(name)
