"""PostgreSQL's statements on many rows, the columns of which are one array each.

Where a statement has its rows from is given as text: a table `new` of the columns that the statement names.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from functools import cache
from typing import Any, TypeVar

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.types import BigInteger, Boolean, Double, Integer, LargeBinary, SmallInteger, TypeEngine

from flowrt.stores.sql.bulk import Change, Row, Where
from flowrt.stores.sql.columns import Writes, escaped
from flowrt.stores.sql.tables import COMPLETED
from flowrt.stores.sql.types import Instant, KeyText

T = TypeVar("T")

# The more special class stands first: a small and a big integer are integers too.
_TYPES: tuple[tuple[type[TypeEngine[Any]], str], ...] = (
    (KeyText, "varchar"),
    (Instant, "float8"),
    (LargeBinary, "bytea"),
    (BigInteger, "int8"),
    (SmallInteger, "int2"),
    (Integer, "int4"),
    (Double, "float8"),
    (Boolean, "bool"),
)
WRITES: Writes = ((KeyText, escaped),)
_preparer = postgresql.dialect().identifier_preparer  # type: ignore[no-untyped-call]


def unnested(table: Table, columns: tuple[str, ...], first: int = 2) -> str:
    """The rows that arrays give; `first` is the number of the first array's parameter."""
    arrays = ", ".join(f"${place}::{typed(table, name)}[]" for place, name in enumerate(columns, first))
    return f"unnest({arrays}) AS new({', '.join(quoted(name) for name in columns)})"


def arrays_of(table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> list[Sequence[Any]]:
    """The rows as arrays."""
    arrays: list[Sequence[Any]] = list(zip(*rows, strict=True))
    for place in _texts(table, columns):
        arrays[place] = escaped(arrays[place])
    return arrays


def insert(table: Table, columns: tuple[str, ...], new: str) -> str:
    """Adds rows."""
    names = ", ".join(quoted(name) for name in columns)
    values = ", ".join(_value(table, name) for name in columns)
    return f"INSERT INTO {named(table)} (application_id, {names}) SELECT $1::varchar, {values} FROM {new}"


def put(table: Table, key: tuple[str, ...], columns: tuple[str, ...], new: str) -> str:
    """Adds rows, or replaces those of the same key."""
    unique = ", ".join(quoted(name) for name in ("application_id", *key) if name in table.primary_key.columns)
    values = ", ".join(f"{quoted(name)} = EXCLUDED.{quoted(name)}" for name in columns)
    return f"{insert(table, (*key, *columns), new)} ON CONFLICT ({unique}) DO UPDATE SET {values}"


def update(table: Table, where: Where, change: Change, new: str) -> str:
    """Changes rows."""
    values = [f"{quoted(name)} = {_value(table, name)}" for name in change.columns]
    values += [f"{quoted(name)} = COALESCE(new.{quoted(name)}, row.{quoted(name)})" for name in change.kept]
    found = found_by(table, where, "old.ctid AS place")
    return f"UPDATE {named(table)} AS row SET {', '.join(values)} FROM {new}, {found} WHERE row.ctid = found.place"


def delete(table: Table, where: Where, new: str) -> str:
    """Removes rows."""
    found = found_by(table, where, "old.ctid AS place")
    return f"DELETE FROM {named(table)} AS row USING {new}, {found} WHERE row.ctid = found.place"


def copy(source: Table, target: Table, columns: tuple[str, ...], where: Where, new: str) -> str:
    """Adds to `target` what `source` has."""
    names = ", ".join(quoted(name) for name in columns)
    found = found_by(source, where, f"old.application_id, {names}")
    return f"INSERT INTO {named(target)} (application_id, {names}) SELECT found.* FROM {new}, {found}"


def found_by(table: Table, where: Where, what: str, locked: bool = False) -> str:
    """A table `found` of what the rows `new` are about, looked up one by one.

    A plain join would be planned by the size of the tables, and with prepared statements by the size they once had:
    while they were small, it is good to read all of them.
    """
    lock = " FOR UPDATE" if locked else ""
    return f"LATERAL (SELECT {what} FROM {named(table)} AS old WHERE {_matches(where)} OFFSET 0{lock}) AS found"


def directly(connection: Connection, work: Callable[[Any], Coroutine[Any, Any, T]]) -> T:
    """What the driver's own connection does, in the transaction if there is one. Raises what SQLAlchemy raises."""
    adapted: Any = connection.connection.dbapi_connection
    try:
        done: T = adapted.run_async(work)
    except asyncpg.IntegrityConstraintViolationError as error:
        raise IntegrityError(None, None, error) from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        lost = adapted.driver_connection.is_closed()
        if lost:
            connection.invalidate(error)
        raise DBAPIError(None, None, error, connection_invalidated=lost) from error
    return done


def named(table: Table) -> str:
    """The name of a table, with its schema, as statements write it."""
    return _preparer.format_table(table)


def quoted(name: str) -> str:
    """The name of a column as statements write it."""
    return _preparer.quote(name)


def typed(table: Table, name: str) -> str:
    """The type of what is given for a column."""
    type_ = table.c[name].type
    return next(given for class_, given in _TYPES if isinstance(type_, class_))


def _matches(where: Where) -> str:
    conditions = ["old.application_id = $1", *(f"old.{quoted(name)} = new.{quoted(name)}" for name in where.key)]
    if where.below is not None:
        conditions.append(f"old.{quoted(where.below)} < new.{quoted(where.below)}")
    if where.completed is not None:
        conditions.append(f"old.task_type {'=' if where.completed else '<>'} {COMPLETED}")
    return " AND ".join(conditions)


def _value(table: Table, name: str) -> str:
    value = f"new.{quoted(name)}"
    return f"to_timestamp({value})" if isinstance(table.c[name].type, Instant) else value


@cache
def _texts(table: Table, columns: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(place for place, name in enumerate(columns) if isinstance(table.c[name].type, KeyText))
