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
from flowrt.stores.sql.bulk import Change, Row, Standing, Unexpected, Where, size_of
from flowrt.stores.sql.columns import Columns, columns_of
from flowrt.stores.sql.pool import PREPARED
from flowrt.stores.sql.tables import Tables
from flowrt.stores.sql.text import escape

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

    def __init__(self, application: str, tables: Tables, expected: Mapping[str, Standing], token: int) -> None:
        """`application` is escaped."""
        self._application, self._tables = application, tables
        self._expected, self._token = expected, token
        self._parts: list[_Part] = []
        self._given: list[Any] = []
        self._bytes = 0

    def insert(self, connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
        new = columns_of(statements.WRITES, table, columns, rows)
        self._add(table, new, statements.insert, table, new.names)

    def put(
        self, connection: Connection, table: Table, key: tuple[str, ...], columns: tuple[str, ...], rows: Sequence[Row]
    ) -> None:
        # In one order for all, lest two transactions wait for each other.
        ordered = sorted(rows, key=lambda row: row[: len(key)])
        names = (*key, *columns)
        new = columns_of(statements.WRITES, table, names, ordered, always=len(names))
        self._add(table, new, statements.put, table, key, columns)

    def update(self, connection: Connection, table: Table, where: Where, change: Change, rows: Sequence[Row]) -> None:
        always = (*where.columns, *change.columns)
        new = columns_of(statements.WRITES, table, (*always, *change.kept), rows, always=len(always))
        self._add(table, new, statements.update, table, where, change.of(new.names))

    def delete(self, connection: Connection, table: Table, where: Where, rows: Sequence[Row]) -> None:
        self._add(table, self._keys(table, where, rows), statements.delete, table, where)

    def copy(
        self,
        connection: Connection,
        source: Table,
        target: Table,
        columns: tuple[str, ...],
        where: Where,
        rows: Sequence[Row],
    ) -> None:
        self._add(source, self._keys(source, where, rows), statements.copy, source, target, columns, where)

    def write(self, connection: Connection) -> bool:
        if self._bytes > MOST_BYTES:
            return False
        given: list[Any] = [self._application, self._token]
        if self._expected:
            held = [(escape(id_), standing.revision, standing.tags) for id_, standing in self._expected.items()]
            given += [len(held), *zip(*held, strict=True)]
        given += self._given
        text = _statement(self._tables, bool(self._expected), tuple(self._parts))
        if connection.get_execution_options().get(PREPARED):
            done = statements.directly(connection, lambda raw: raw.fetchval(text, *given))
        else:
            done = connection.exec_driver_sql(text, tuple(given)).scalar()
        if not done:
            raise Unexpected("another token, other revisions or tags")
        return True

    def _keys(self, table: Table, where: Where, rows: Sequence[Row]) -> Columns:
        return columns_of(statements.WRITES, table, where.columns, rows, always=len(where.columns))

    def _add(self, table: Table, new: Columns, verb: Callable[..., str], *what: Any) -> None:
        varying = {name: values for name, values in new.values.items() if len(values) > 1}
        constant = {name: values[0] for name, values in new.values.items() if len(values) == 1}
        self._given += [*varying.values(), *constant.values()]
        self._bytes += sum(sum(size_of(values)) for values in new.values.values())
        self._parts.append(_Part(verb, what, table, tuple(varying), tuple(constant)))


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
