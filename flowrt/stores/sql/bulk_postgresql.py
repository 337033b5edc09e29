"""PostgreSQL: a batch of rows is one statement, its columns one array each; many new rows are one COPY."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import repeat
from typing import Any

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.types import BigInteger, Boolean, Double, Integer, LargeBinary, SmallInteger, TypeEngine

from flowrt.stores.sql.bulk import Change, Row, Where, portions
from flowrt.stores.sql.tables import COMPLETED
from flowrt.stores.sql.text import escape
from flowrt.stores.sql.types import Instant, KeyText
from flowrt.stores.sql.written import escaped

_MOST_ROWS = 20_000
_MOST_BYTES = 64 * 1024 * 1024
_MANY_ROWS = 16
"""From here on COPY is worth the two messages it costs more: it takes a third off the time of each row."""
# The more special class stands first: a small and a big integer are integers too.
_ARRAYS: tuple[tuple[type[TypeEngine[Any]], str], ...] = (
    (KeyText, "varchar[]"),
    (Instant, "float8[]"),
    (LargeBinary, "bytea[]"),
    (BigInteger, "int8[]"),
    (SmallInteger, "int2[]"),
    (Integer, "int4[]"),
    (Double, "float8[]"),
    (Boolean, "bool[]"),
)


class PostgresqlBulk:
    """With UNNEST."""

    def __init__(self, application: str) -> None:
        self._application = escape(application)

    def insert(self, connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
        for portion in portions(rows, _MOST_ROWS, _MOST_BYTES):
            if len(portion) < _MANY_ROWS:
                values = (self._application, *_arrays(table, columns, portion))
                connection.exec_driver_sql(_insert(table, columns), values)
            else:
                self._copy_in(connection, table, columns, portion)

    def put(
        self, connection: Connection, table: Table, key: tuple[str, ...], columns: tuple[str, ...], rows: Sequence[Row]
    ) -> None:
        # In one order for all, lest two transactions wait for each other.
        ordered = sorted(rows, key=lambda row: row[: len(key)])
        self._execute(connection, _put(table, key, columns), table, (*key, *columns), ordered)

    def update(self, connection: Connection, table: Table, where: Where, change: Change, rows: Sequence[Row]) -> None:
        columns = (*where.columns, *change.columns, *change.kept)
        self._execute(connection, _update(table, where, change), table, columns, rows)

    def delete(self, connection: Connection, table: Table, where: Where, rows: Sequence[Row]) -> None:
        self._execute(connection, _delete(table, where), table, where.columns, rows)

    def copy(
        self,
        connection: Connection,
        source: Table,
        target: Table,
        columns: tuple[str, ...],
        where: Where,
        rows: Sequence[Row],
    ) -> None:
        self._execute(connection, _copy(source, target, columns, where), source, where.columns, rows)

    def _copy_in(self, connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
        arrays = _arrays(table, columns, rows)
        for place, name in enumerate(columns):
            if isinstance(table.c[name].type, Instant):
                arrays[place] = [None if at is None else datetime.fromtimestamp(at, UTC) for at in arrays[place]]
        records = zip(repeat(self._application), *arrays)
        names = ("application_id", *columns)
        adapted: Any = connection.connection.dbapi_connection
        try:
            adapted.run_async(
                lambda raw: raw.copy_records_to_table(
                    table.name, schema_name=table.schema, columns=names, records=records
                )
            )
        except asyncpg.IntegrityConstraintViolationError as error:
            raise IntegrityError("COPY", None, error) from error
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            lost = adapted.driver_connection.is_closed()
            raise DBAPIError("COPY", None, error, connection_invalidated=lost) from error

    def _execute(
        self, connection: Connection, statement: str, table: Table, columns: tuple[str, ...], rows: Sequence[Row]
    ) -> None:
        for portion in portions(rows, _MOST_ROWS, _MOST_BYTES):
            connection.exec_driver_sql(statement, (self._application, *_arrays(table, columns, portion)))


def _arrays(table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> list[Sequence[Any]]:
    arrays: list[Sequence[Any]] = list(zip(*rows, strict=True))
    for place, name in enumerate(columns):
        if isinstance(table.c[name].type, KeyText):
            arrays[place] = escaped(arrays[place])
    return arrays


_preparer = postgresql.dialect().identifier_preparer  # type: ignore[no-untyped-call]


@cache
def _insert(table: Table, columns: tuple[str, ...]) -> str:
    names = ", ".join(_quoted(name) for name in columns)
    values = ", ".join(_value(table, name) for name in columns)
    rows = _rows(table, columns)
    return f"INSERT INTO {_name(table)} (application_id, {names}) SELECT $1::varchar, {values} FROM {rows}"


@cache
def _put(table: Table, key: tuple[str, ...], columns: tuple[str, ...]) -> str:
    unique = ", ".join(_quoted(name) for name in ("application_id", *key) if name in table.primary_key.columns)
    values = ", ".join(f"{_quoted(name)} = EXCLUDED.{_quoted(name)}" for name in columns)
    return f"{_insert(table, (*key, *columns))} ON CONFLICT ({unique}) DO UPDATE SET {values}"


@cache
def _update(table: Table, where: Where, change: Change) -> str:
    values = [f"{_quoted(name)} = {_value(table, name)}" for name in change.columns]
    values += [f"{_quoted(name)} = COALESCE(new.{_quoted(name)}, old.{_quoted(name)})" for name in change.kept]
    rows = _rows(table, (*where.columns, *change.columns, *change.kept))
    return f"UPDATE {_name(table)} AS old SET {', '.join(values)} FROM {rows} WHERE {_matches(where)}"


@cache
def _delete(table: Table, where: Where) -> str:
    return f"DELETE FROM {_name(table)} AS old USING {_rows(table, where.columns)} WHERE {_matches(where)}"


@cache
def _copy(source: Table, target: Table, columns: tuple[str, ...], where: Where) -> str:
    names = ", ".join(_quoted(name) for name in columns)
    values = ", ".join(f"old.{_quoted(name)}" for name in columns)
    return (
        f"INSERT INTO {_name(target)} (application_id, {names}) SELECT old.application_id, {values} "
        f"FROM {_name(source)} AS old, {_rows(source, where.columns)} WHERE {_matches(where)}"
    )


def _rows(table: Table, columns: tuple[str, ...]) -> str:
    arrays = ", ".join(f"${place}::{_array(table, name)}" for place, name in enumerate(columns, 2))
    return f"unnest({arrays}) AS new({', '.join(_quoted(name) for name in columns)})"


def _matches(where: Where) -> str:
    conditions = ["old.application_id = $1", *(f"old.{_quoted(name)} = new.{_quoted(name)}" for name in where.key)]
    if where.below is not None:
        conditions.append(f"old.{_quoted(where.below)} < new.{_quoted(where.below)}")
    if where.completed is not None:
        conditions.append(f"old.task_type {'=' if where.completed else '<>'} {COMPLETED}")
    return " AND ".join(conditions)


def _value(table: Table, name: str) -> str:
    value = f"new.{_quoted(name)}"
    return f"to_timestamp({value})" if isinstance(table.c[name].type, Instant) else value


def _array(table: Table, name: str) -> str:
    type_ = table.c[name].type
    return next(array for class_, array in _ARRAYS if isinstance(type_, class_))


def _name(table: Table) -> str:
    return _preparer.format_table(table)


def _quoted(name: str) -> str:
    return _preparer.quote(name)
