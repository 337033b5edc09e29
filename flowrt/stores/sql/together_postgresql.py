"""PostgreSQL: a whole commit in one statement, so that it takes one message to the server and one back.

Every verb becomes a part of one WITH. Its first part is the fence: it locks the lease, and the instances as they are
expected; where one is missing the fence is empty, and the other parts, which all read it, do nothing. A part sees what
was there before the statement, whatever the others do; but a key that one frees another may take, so each waits for
the one before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Table

from flowrt.stores.sql import statements_postgresql as statements
from flowrt.stores.sql.bulk import Change, Row, Standing, Where, bytes_in
from flowrt.stores.sql.tables import Tables
from flowrt.stores.sql.text import escape

PREPARED = "flowrt_prepared"
"""The execution option of connections on which a prepared statement lasts: there a statement needs no transaction."""
MOST_BYTES = 64 * 1024 * 1024
_LEASE = "SELECT 1 FROM {leases} WHERE application_id = $1 AND token = $2"
_INSTANCES = """ AND $3 = (SELECT count(*) FROM
unnest($4::varchar[], $5::int8[], $6::bytea[]) AS new(instance_id, revision, tags), {found}
WHERE found.revision = new.revision AND found.tags IS NOT DISTINCT FROM new.tags)"""
_HELD = Where(("instance_id",))


@dataclass(frozen=True, slots=True)
class _Part:
    """A verb and what it is about: all but the rows."""

    verb: Callable[..., str]
    what: tuple[Any, ...]
    table: Table
    varying: tuple[str, ...]
    """The columns given as arrays."""
    constant: tuple[str, ...]
    """The columns given once, since all rows have the same in them."""

    def text(self, number: int, first: int) -> str:
        """The part of that number, whose first parameter is `first`."""
        columns, tables = [], ["fence"]
        if self.varying:
            columns.append("new.*")
            tables.append(statements.unnested(self.table, self.varying, first))
        for place, name in enumerate(self.constant, first + len(self.varying)):
            columns.append(f"${place}::{statements.typed(self.table, name)} AS {statements.quoted(name)}")
        after = f" WHERE (SELECT count(*) FROM part{number - 1}) >= 0" if number else ""
        new = f"(SELECT {', '.join(columns)} FROM {', '.join(tables)}{after}) AS new"
        return f"part{number} AS ({self.verb(*self.what, new)} RETURNING 1)"


class TogetherInPostgresql:
    """Gathers the verbs of one commit, then says them all."""

    def __init__(self, application: str, tables: Tables) -> None:
        """`application` is escaped."""
        self._application, self._tables = application, tables
        self._parts: list[_Part] = []
        self._given: list[Any] = []
        self._bytes = 0

    def insert(self, connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
        arrays = statements.arrays_of(table, columns, rows)
        columns, arrays = _with_values(columns, arrays)
        self._add(table, columns, arrays, statements.insert, table, columns)

    def put(
        self, connection: Connection, table: Table, key: tuple[str, ...], columns: tuple[str, ...], rows: Sequence[Row]
    ) -> None:
        # In one order for all, lest two transactions wait for each other.
        ordered = sorted(rows, key=lambda row: row[: len(key)])
        arrays = statements.arrays_of(table, (*key, *columns), ordered)
        self._add(table, (*key, *columns), arrays, statements.put, table, key, columns)

    def update(self, connection: Connection, table: Table, where: Where, change: Change, rows: Sequence[Row]) -> None:
        always = (*where.columns, *change.columns)
        arrays = statements.arrays_of(table, (*always, *change.kept), rows)
        kept, new = _with_values(change.kept, arrays[len(always) :])
        arrays = [*arrays[: len(always)], *new]
        self._add(table, (*always, *kept), arrays, statements.update, table, where, Change(change.columns, kept))

    def delete(self, connection: Connection, table: Table, where: Where, rows: Sequence[Row]) -> None:
        arrays = statements.arrays_of(table, where.columns, rows)
        self._add(table, where.columns, arrays, statements.delete, table, where)

    def copy(
        self,
        connection: Connection,
        source: Table,
        target: Table,
        columns: tuple[str, ...],
        where: Where,
        rows: Sequence[Row],
    ) -> None:
        arrays = statements.arrays_of(source, where.columns, rows)
        self._add(source, where.columns, arrays, statements.copy, source, target, columns, where)

    def write(self, connection: Connection, expected: Mapping[str, Standing], token: int) -> bool:
        if self._bytes > MOST_BYTES:
            return False
        given: list[Any] = [self._application, token]
        if expected:
            held = [(escape(id_), standing.revision, standing.tags) for id_, standing in expected.items()]
            given += [len(held), *zip(*held, strict=True)]
        given += self._given
        text = _statement(self._tables, bool(expected), tuple(self._parts))
        if connection.get_execution_options().get(PREPARED):
            return bool(statements.directly(connection, lambda raw: raw.fetchval(text, *given)))
        return bool(connection.exec_driver_sql(text, tuple(given)).scalar())

    def _add(
        self,
        table: Table,
        columns: tuple[str, ...],
        arrays: Sequence[Sequence[Any]],
        verb: Callable[..., str],
        *what: Any,
    ) -> None:
        varying, constant = [], []
        for name, array in zip(columns, arrays, strict=True):
            value = array[0]
            if value == array[-1] and array.count(value) == len(array):
                constant.append((name, value))
                self._bytes += bytes_in((value,))
            else:
                varying.append((name, array))
                self._bytes += bytes_in(array)
        for place in (varying, constant):
            self._given += [value for _, value in place]
        names = (tuple(name for name, _ in place) for place in (varying, constant))
        self._parts.append(_Part(verb, what, table, *names))


def _with_values(
    columns: tuple[str, ...], arrays: Sequence[Sequence[Any]]
) -> tuple[tuple[str, ...], list[Sequence[Any]]]:
    """Without the columns that would only say NULL."""
    given = [
        (name, array)
        for name, array in zip(columns, arrays, strict=True)
        if array[0] is not None or array.count(None) < len(array)
    ]
    return tuple(name for name, _ in given), [array for _, array in given]


@lru_cache(maxsize=1000)
def _statement(tables: Tables, expecting: bool, parts: tuple[_Part, ...]) -> str:
    fence = _LEASE.format(leases=statements.named(tables.leases))
    if expecting:
        fence += _INSTANCES.format(found=statements.found_by(tables.instances, _HELD, "old.revision, old.tags", True))
    texts, first = [f"fence AS MATERIALIZED ({fence} FOR SHARE)"], 7 if expecting else 3
    for number, part in enumerate(parts):
        texts.append(part.text(number, first))
        first += len(part.varying) + len(part.constant)
    return f"WITH {', '.join(texts)} SELECT count(*) FROM fence"
