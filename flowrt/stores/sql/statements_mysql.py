"""The messages of MySQL and MariaDB: a statement, and a list of rows or the values of one.

MariaDB takes all rows of a prepared statement in one message, in binary form, if each column has values of one type in
it; so columns that hold only NULLs are left out. MySQL does not: its statements have many rows behind VALUES.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cache, partial
from itertools import chain

from sqlalchemy import Table
from sqlalchemy.dialects import mysql

from flowrt.stores.sql.bulk import Change, Row, Where, in_powers_of_two, portions
from flowrt.stores.sql.columns import Writes, columns_of, each, escaped
from flowrt.stores.sql.queries import doubled
from flowrt.stores.sql.tables import COMPLETED
from flowrt.stores.sql.types import Instant, KeyText

Message = tuple[str, list[Row] | Row]
# The driver leaves the zone out.
WRITES: Writes = ((KeyText, escaped), (Instant, each(partial(datetime.fromtimestamp, tz=UTC))))
MOST_ROWS = 5_000
MOST_BYTES = 4 * 1024 * 1024
"""In one message, of which a server as shipped takes 16 MiB."""
_MOST_AT_ONCE = 128
"""Rows in one statement; keys in one condition, short enough for the optimizer to see ranges in it."""
_preparer = mysql.dialect().identifier_preparer


def added(
    application: str, table: Table, columns: tuple[str, ...], rows: Sequence[Row], mariadb: bool
) -> Iterator[Message]:
    """Adds rows."""
    for portion in portions(rows, MOST_ROWS, MOST_BYTES):
        new = columns_of(WRITES, table, columns, portion)
        values = list(new.rows(application))
        if mariadb:
            yield _insert(table, new.names), values
        else:
            for some in in_powers_of_two(values, _MOST_AT_ONCE):
                yield _insert(table, new.names, len(some)), tuple(chain.from_iterable(some))


def changed(
    application: str, table: Table, columns: tuple[str, ...], rows: Sequence[Row], change: Change, mariadb: bool
) -> Iterator[Message]:
    """Changes the rows of the same key, or adds them."""
    for portion in portions(rows, MOST_ROWS, MOST_BYTES):
        new = columns_of(WRITES, table, columns, portion)
        values = list(new.rows(application))
        if mariadb:
            yield _put_in_mariadb(table, new.names, change), values
        else:
            for some in in_powers_of_two(values, _MOST_AT_ONCE):
                yield _put_in_mysql(table, new.names, change, len(some)), tuple(chain.from_iterable(some))


def one_by_one(application: str, statement: str, table: Table, where: Where, rows: Sequence[Row]) -> Iterator[Message]:
    """Says the statement for each row of values."""
    for portion in portions(rows, MOST_ROWS, MOST_BYTES):
        keys = columns_of(WRITES, table, where.columns, portion, always=len(where.columns))
        yield f"{statement} {_mine(where)} AND {_matches(where)}", list(keys.rows(application))


def at_once(application: str, statement: str, table: Table, where: Where, rows: Sequence[Row]) -> Iterator[Message]:
    """Says the statement for many rows of values in one condition."""
    for portion in portions(rows, _MOST_AT_ONCE, MOST_BYTES):
        keys = doubled(list(columns_of(WRITES, table, where.columns, portion, always=len(where.columns)).rows()))
        conditions = " OR ".join([_matches(where)] * len(keys))
        values = (application, *(value for key in keys for value in key))
        yield f"{statement} {_mine(where)} AND ({conditions})", values


@cache
def _insert(table: Table, columns: tuple[str, ...], count: int = 1) -> str:
    names = ", ".join(quoted(name) for name in ("application_id", *columns))
    row = f"({', '.join(['%s'] * (len(columns) + 1))})"
    return f"INSERT INTO {named(table)} ({names}) VALUES {', '.join([row] * count)}"


@cache
def _put_in_mariadb(table: Table, columns: tuple[str, ...], change: Change) -> str:
    values = [f"{quoted(name)} = VALUES({quoted(name)})" for name in change.columns]
    values += [f"{quoted(name)} = COALESCE(VALUES({quoted(name)}), {quoted(name)})" for name in change.kept]
    return f"{_insert(table, columns)} ON DUPLICATE KEY UPDATE {', '.join(values)}"


@cache
def _put_in_mysql(table: Table, columns: tuple[str, ...], change: Change, count: int) -> str:
    # It warns of VALUES() each time, and MariaDB knows nothing else.
    values = [f"{quoted(name)} = {f'new.{quoted(name)}' if name in columns else 'NULL'}" for name in change.columns]
    kept = [quoted(name) for name in change.kept if name in columns]
    values += [f"{name} = COALESCE(new.{name}, {named(table)}.{name})" for name in kept]
    return f"{_insert(table, columns, count)} AS new ON DUPLICATE KEY UPDATE {', '.join(values)}"


@cache
def delete(table: Table) -> str:
    """Removes the rows of which a condition, to be added, is true."""
    return f"DELETE FROM {named(table)} WHERE"


@cache
def copy(source: Table, target: Table, columns: tuple[str, ...]) -> str:
    """Adds to `target` those rows of `source` of which a condition, to be added, is true."""
    names = ", ".join(quoted(name) for name in ("application_id", *columns))
    return f"INSERT INTO {named(target)} ({names}) SELECT {names} FROM {named(source)} WHERE"


@cache
def _mine(where: Where) -> str:
    if where.completed is None:
        return "application_id = %s"
    return f"application_id = %s AND task_type {'=' if where.completed else '<>'} {COMPLETED}"


@cache
def _matches(where: Where) -> str:
    conditions = [f"{quoted(name)} = %s" for name in where.key]
    if where.below is not None:
        conditions.append(f"{quoted(where.below)} < %s")
    return f"({' AND '.join(conditions)})"


def named(table: Table) -> str:
    """The name of a table as statements write it."""
    return _preparer.format_table(table)


def quoted(name: str) -> str:
    """The name of a column as statements write it."""
    return _preparer.quote(name)
