"""MariaDB: a commit that looks at nothing first, said by the driver itself.

The fence is part of what is written: an instance is given the token of the lease, if that is ours, else NULL, which its
column refuses; the lease stays locked until the transaction ends. A changed instance must stand as expected, which is
seen by how many did.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

import asyncmy
from sqlalchemy import Connection, Table
from sqlalchemy.exc import DBAPIError, IntegrityError

from flowrt.stores.sql import statements_mysql as statements
from flowrt.stores.sql.bulk import Change, Row, Standing, Unexpected, Where, portions, sizes
from flowrt.stores.sql.columns import columns_of
from flowrt.stores.sql.parts import PART_BYTES, owner_of
from flowrt.stores.sql.tables import Tables
from flowrt.stores.sql.text import escape

T = TypeVar("T")

_OWNER = Where(("owner",))
_NOT_CHANGED = ("token", "tags", "instance_id")
"""Looked for, or given by the lease."""


class TogetherInMariadb:
    """Gathers the messages of one commit, then sends one after the other."""

    def __init__(self, application: str, tables: Tables, expected: Mapping[str, Standing], token: int) -> None:
        """`application` is escaped."""
        self._application, self._tables = application, tables
        self._expected, self._token = expected, token
        self._messages: list[statements.Message] = []
        self._counted: set[str] = set()
        """Statements that must find all their rows."""
        self._fenced, self._large = False, False

    def insert(self, connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
        if table is self._tables.instances:
            self._add_instances(columns, rows)
        else:
            self._say(statements.added(self._application, table, columns, rows, mariadb=True), rows)

    def put(
        self, connection: Connection, table: Table, key: tuple[str, ...], columns: tuple[str, ...], rows: Sequence[Row]
    ) -> None:
        # In one order for all, lest two transactions wait for each other.
        ordered = sorted(rows, key=lambda row: row[: len(key)])
        self._change(table, (*key, *columns), Change(columns), ordered)

    def update(self, connection: Connection, table: Table, where: Where, change: Change, rows: Sequence[Row]) -> None:
        columns = (*where.columns, *change.columns, *change.kept)
        if table is self._tables.instances:
            self._change_instances(columns, change, rows)
        else:
            self._change(table, columns, change, rows)

    def delete(self, connection: Connection, table: Table, where: Where, rows: Sequence[Row]) -> None:
        if table is self._tables.events:
            owners, parts = [(owner_of(where.columns, row),) for row in rows], self._tables.parts
            self._say(statements.one_by_one(self._application, statements.delete(parts), parts, _OWNER, owners))
        self._say(statements.one_by_one(self._application, statements.delete(table), table, where, rows))

    def copy(
        self,
        connection: Connection,
        source: Table,
        target: Table,
        columns: tuple[str, ...],
        where: Where,
        rows: Sequence[Row],
    ) -> None:
        statement = statements.copy(source, target, columns)
        self._say(statements.at_once(self._application, statement, source, where, rows))

    def write(self, connection: Connection) -> bool:
        if self._large or not self._fenced:
            return False
        if not directly(connection, self._send):
            raise Unexpected("other revisions or tags")
        return True

    async def _send(self, raw: asyncmy.Connection) -> bool:
        async with raw.cursor() as cursor:
            for statement, values in self._messages:
                if isinstance(values, tuple):
                    await cursor.execute(statement, values)
                    continue
                await cursor.executemany(statement, values)
                if statement in self._counted and cursor.rowcount != len(values):
                    return False
        return True

    def _say(self, messages: Iterable[statements.Message], rows: Sequence[Row] = ()) -> None:
        self._large = self._large or max(sizes(rows), default=0) > PART_BYTES
        self._messages += messages

    def _change(self, table: Table, columns: tuple[str, ...], change: Change, rows: Sequence[Row]) -> None:
        self._say(statements.changed(self._application, table, columns, rows, change, mariadb=True), rows)

    def _add_instances(self, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
        self._fenced = True
        for portion in portions(rows, statements.MOST_ROWS, statements.MOST_BYTES):
            new = columns_of(statements.WRITES, self._tables.instances, columns, portion).without("token")
            given = list(new.rows(self._application, self._token, self._application))
            self._say([(_add(self._tables, new.names), given)], portion)

    def _change_instances(self, columns: tuple[str, ...], change: Change, rows: Sequence[Row]) -> None:
        self._fenced = True
        for portion in portions(rows, statements.MOST_ROWS, statements.MOST_BYTES):
            new = columns_of(statements.WRITES, self._tables.instances, columns, portion)
            new = new.without(*_NOT_CHANGED)
            expected = [(escape(row[0]), self._expected[row[0]]) for row in portion]
            found = [(self._application, id_, standing.revision, standing.tags) for id_, standing in expected]
            given = zip(new.rows(self._application, self._token), found, strict=True)
            statement = _change(self._tables, new.names, change)
            self._counted.add(statement)
            self._say([(statement, [values + key for values, key in given])], portion)


def directly(connection: Connection, work: Callable[[Any], Coroutine[Any, Any, T]]) -> T:
    """What the driver's own connection does, in the transaction. Raises what SQLAlchemy raises."""
    adapted: Any = connection.connection.dbapi_connection
    try:
        done: T = adapted.run_async(work)
    except asyncmy.errors.IntegrityError as error:
        raise IntegrityError(None, None, error) from error
    except asyncmy.errors.Error as error:
        broken: Any = error
        lost = connection.dialect.is_disconnect(broken, adapted, None)
        if lost:
            connection.invalidate(error)
        raise DBAPIError(None, None, error, connection_invalidated=lost) from error
    except asyncio.CancelledError:
        # An answer may still be on its way.
        connection.invalidate()
        raise
    return done


@cache
def _token(tables: Tables) -> str:
    lease = statements.named(tables.leases)
    return f"(SELECT token FROM {lease} WHERE application_id = %s AND token = %s LOCK IN SHARE MODE)"


@cache
def _add(tables: Tables, columns: tuple[str, ...]) -> str:
    names = ", ".join(statements.quoted(name) for name in ("token", "application_id", *columns))
    values = ", ".join([_token(tables), *["%s"] * (len(columns) + 1)])
    return f"INSERT INTO {statements.named(tables.instances)} ({names}) VALUES ({values})"


@cache
def _change(tables: Tables, columns: tuple[str, ...], change: Change) -> str:
    values = [f"token = {_token(tables)}"]
    for name in columns:
        quoted = statements.quoted(name)
        values.append(f"{quoted} = COALESCE(%s, {quoted})" if name in change.kept else f"{quoted} = %s")
    # All rows in one message: that takes no column of nothing but NULL.
    empty = (name for name in change.columns if name not in (*columns, *_NOT_CHANGED))
    values += [f"{statements.quoted(name)} = NULL" for name in empty]
    found = "application_id = %s AND instance_id = %s AND revision = %s AND tags <=> %s"
    return f"UPDATE {statements.named(tables.instances)} SET {', '.join(values)} WHERE {found}"
