"""Reading instances: whole ones, their list entries, their history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, literal_column, or_
from sqlalchemy.sql import Select

from flowrt.core.definition import Subscription
from flowrt.core.instance import PHASES, StateKey
from flowrt.core.records import Stored
from flowrt.stores.codec import Codec, Undecodable
from flowrt.stores.cursor import decode_cursor, encode_cursor
from flowrt.stores.protocol import BrokenEntry, Entry, Page, Query
from flowrt.stores.sql.queries import Queries
from flowrt.stores.sql.rows import LARGE, tag_key
from flowrt.stores.sql.tables import COMPLETED, Tables

Json = Any


@dataclass(slots=True)
class Reads:
    """Reads of one application."""

    tables: Tables
    queries: Queries
    codec: Codec
    _heads: Select[Any] = field(init=False)
    _live: Select[Any] = field(init=False)

    def __post_init__(self) -> None:
        of, live = self.tables.instances.c, self.tables.tasks.c
        self._heads = self.queries.among(of.instance_id, of.instance_id, of.head, *(of[name] for name in LARGE))
        pieces = (live.json_pointer, live.full_pointer, live.iteration, live.fixed, live.model)
        # Written out, so that a database sees that its index of the live ones has them all.
        living = live.task_type != literal_column(str(COMPLETED))
        self._live = self.queries.among(live.process_instance_id, live.process_instance_id, *pieces, also=living)

    def load(self, connection: Connection, ids: Sequence[str]) -> dict[str, Stored | BrokenEntry]:
        """The instances that exist, by id."""
        heads = {row[0]: row[1:] for row in self.queries.rows(connection, self._heads, ids)}
        lives: dict[str, list[Sequence[Any]]] = {}
        for row in self.queries.rows(connection, self._live, list(heads)):
            lives.setdefault(row[0], []).append(row[1:])
        return {id_: self._stored(id_, row, lives.get(id_, ())) for id_, row in heads.items()}

    def _stored(self, id_: str, row: Sequence[Any], live: Iterable[Sequence[Any]]) -> Stored | BrokenEntry:
        if row[0] is None:
            return BrokenEntry(id_, "it has no head: another program wrote it")
        decode = self.codec.decode
        place = "head"
        states: list[tuple[StateKey, Json, Json]] = []
        try:
            head, fields = decode(row[0]), {}
            for place, value in zip(LARGE, row[1:], strict=True):
                if value is not None:
                    fields[place] = decode(value)
            for pointer, whole, iteration, fixed, moving in live:
                place = pointer
                key = (pointer if whole is None else bytes(whole).decode(), iteration)
                states.append((key, decode(fixed or b""), decode(moving or b"")))
        except ValueError as error:
            return BrokenEntry(id_, f"{place}: {error}")
        if not isinstance(head, dict):
            return BrokenEntry(id_, "head: it is no object")
        return Stored(head, fields, states)

    def unfinished(
        self, connection: Connection, after: str | None, limit: int
    ) -> list[tuple[Entry, Sequence[Subscription]]]:
        """What has not ended, by id."""
        table = self.tables.instances
        query = self.queries.of(*self._entry_columns(), table.c.subscriptions).where(table.c.ended == 0)
        if after is not None:
            query = query.where(table.c.instance_id > after)
        rows = self.queries.whole(connection, query.order_by(table.c.instance_id).limit(limit))
        return [(self._entry(row), self._subscriptions(row[-1])) for row in rows]

    def find(self, connection: Connection, query: Query) -> Page:
        """A page of the list, newest start first."""
        found = connection.execute(self._listing(query)).all()
        page = [self._entry(row) for row in found[: query.limit]]
        more = len(found) > query.limit
        return Page(page, encode_cursor(page[-1].started_at, page[-1].id) if more and page else None)

    def _listing(self, query: Query) -> Select[Any]:
        table, tags = self.tables.instances, self.tables.tags
        chosen = self.queries.of(*self._entry_columns())
        started, id_ = table.c.started_epoch, table.c.instance_id
        if query.tag is not None:
            name, value = tag_key(query.tag)
            same = (tags.c.application_id == table.c.application_id) & (tags.c.instance_id == table.c.instance_id)
            chosen = chosen.join(tags, same).where(tags.c.name == name, tags.c.value == value)
            # The order of the tag's own index, so that a page reads no more than it shows.
            chosen = chosen.where(tags.c.application_id == self.queries.application)
            started, id_ = tags.c.started_epoch, tags.c.instance_id
        for column, wanted in (
            (table.c.status, None if query.status is None else PHASES.index(query.status)),
            (table.c.workflow_namespace, query.namespace),
            (table.c.workflow_name, query.name),
            (table.c.workflow_version, query.version),
            (table.c.role, query.role),
        ):
            if wanted is not None:
                chosen = chosen.where(column == wanted)
        if query.since is not None:
            chosen = chosen.where(started >= query.since)
        if query.cursor is not None:
            before, last = decode_cursor(query.cursor)
            chosen = chosen.where(started <= before, or_(started < before, id_ < last))
        return chosen.order_by(started.desc(), id_.desc()).limit(query.limit + 1)

    def expired(self, connection: Connection, status: str, ended_before: float, limit: int) -> list[str]:
        """What ended so before that time, the oldest first."""
        table = self.tables.instances
        ended = (table.c.ended == 1, table.c.status == PHASES.index(status), table.c.ended_epoch < ended_before)
        query = self.queries.of(table.c.instance_id).where(*ended).order_by(table.c.ended_epoch).limit(limit)
        return list(connection.execute(query).scalars())

    def history(self, connection: Connection, id_: str) -> list[Json]:
        """The completed tasks, in order of completion."""
        records: list[tuple[int, Json]] = []
        for table in (self.tables.tasks, self.tables.earlier):
            query = self.queries.of(table.c.sequence, table.c.details, table.c.model, table.c.context)
            query = query.where(table.c.process_instance_id == id_)
            if table is self.tables.tasks:
                query = query.where(table.c.task_type == COMPLETED)
            for sequence, *pieces in self.queries.whole(connection, query):
                records.append((sequence or 0, self._record(pieces)))
        records.sort(key=lambda record: record[0])
        return [record for _, record in records]

    def _record(self, pieces: Sequence[bytes | None]) -> Json:
        try:
            details, output, context = (None if piece is None else self.codec.decode(piece) for piece in pieces)
        except Undecodable as error:
            return {"damaged": str(error)}
        record = dict(details or {})
        for name, piece, value in (("output", pieces[1], output), ("context", pieces[2], context)):
            if piece is not None:
                record[name] = value
        return record

    def counts(self, connection: Connection) -> dict[str, Json]:
        """How many instances there are, how many have not ended, and when the next one wakes."""
        table = self.tables.instances
        unfinished = table.c.ended == 0
        count = func.count().label("count")
        wake_at = connection.execute(
            self.queries.of(table.c.wake_epoch)
            .where(table.c.wake_epoch.is_not(None), unfinished)
            .order_by(table.c.wake_epoch)
            .limit(1)
        ).scalar()
        of = self.queries.of(table.c.ended, count).group_by(table.c.ended)
        by_end: dict[int, int] = {row[0]: row[1] for row in connection.execute(of)}
        return {"instances": sum(by_end.values()), "unfinished": by_end.get(0, 0), "nextWakeAt": wake_at}

    def _entry_columns(self) -> tuple[ColumnElement[Any], ...]:
        return tuple(self.tables.instances.c[name] for name in _ENTRY)

    def _entry(self, row: Sequence[Any]) -> Entry:
        id_, namespace, name, version, digest, role, status, started, ended, wake, tags, parent = row[: len(_ENTRY)]
        try:
            known = {} if tags is None else self.codec.decode(tags)
        except Undecodable:
            known = {}
        phase = PHASES[status or 0]
        return Entry(id_, namespace, name, version, digest, role, phase, started, ended, wake, known, parent)

    def _subscriptions(self, data: bytes | None) -> Sequence[Subscription]:
        if data is None:
            return ()
        try:
            return [Subscription(type_, expression, value) for type_, expression, value in self.codec.decode(data)]
        except (Undecodable, TypeError, ValueError):
            # Reading the instance says what is wrong with it; here it must not stop the restart of the others.
            return ()


_ENTRY = (
    "instance_id",
    "workflow_namespace",
    "workflow_name",
    "workflow_version",
    "digest",
    "role",
    "status",
    "started_epoch",
    "ended_epoch",
    "wake_epoch",
    "tags",
    "parent",
)
