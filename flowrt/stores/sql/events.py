"""Accepted events, and the outbox: emitted events that are not yet published, in the guide's table of events."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, or_

from flowrt.stores.codec import Codec
from flowrt.stores.protocol import Batch, Mark
from flowrt.stores.sql.bulk import Row, Verbs, Where
from flowrt.stores.sql.queries import Queries
from flowrt.stores.sql.rows import event_key, registration
from flowrt.stores.sql.tables import Tables
from flowrt.stores.sql.text import shortened
from flowrt.stores.sql.types import instant

Json = Any

_SEEN_KEY = ("source", "id")
_EVENT_KEY = ("source", "id", "reg_id")
_EVENT = (
    "type",
    "subject",
    "data_content_type",
    "data_schema",
    "time",
    "data",
    "extensions",
    "processed_flag",
    "version",
    "token",
    "sequence",
    "attributes",
)
_STANDARD = frozenset(
    ("specversion", "id", "source", "type", "subject", "datacontenttype", "dataschema", "time", "data", "data_base64")
)


@dataclass(slots=True)
class Events:
    """The events of one application."""

    tables: Tables
    queries: Queries
    codec: Codec
    _last: int = 0

    def write(self, bulk: Verbs, connection: Connection, batch: Batch, token: int) -> None:
        """Writes the marks, the outbox, and what has been sent."""
        if batch.seen:
            marks = {event_key((source, id_)): until for source, id_, until in batch.seen}
            rows = [(*key, until) for key, until in marks.items()]
            bulk.put(connection, self.tables.seen, _SEEN_KEY, ("until_epoch",), rows)
        events = {row[:3]: row for row in (self._row(event, token) for event in batch.emitted())}
        if events:
            bulk.put(connection, self.tables.events, _EVENT_KEY, _EVENT, list(events.values()))
        if batch.sent:
            mark = registration(self.queries.application)
            sent = [(*event_key(event), mark) for event in batch.sent]
            bulk.delete(connection, self.tables.events, Where(_EVENT_KEY), sent)

    def seen(self, connection: Connection, events: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        """Which of the events carry a mark."""
        table = self.tables.seen
        ids = sorted({event_key(event)[1] for event in events})
        query = self.queries.among(table.c.id, table.c.source, table.c.id)
        found = {tuple(row) for row in self.queries.rows(connection, query, ids)}
        return {event for event in events if event_key(event) in found}

    def marks(self, connection: Connection, after: Mark | None, limit: int) -> list[Mark]:
        """Accepted events in the order of their ids."""
        table = self.tables.seen
        query = self.queries.of(table.c.source, table.c.id, table.c.until_epoch)
        if after is not None:
            source, id_ = event_key(after[:2])
            query = query.where(or_(table.c.id > id_, and_(table.c.id == id_, table.c.source > source)))
        found = connection.execute(query.order_by(table.c.id, table.c.source).limit(limit))
        return [(source, id_, until) for source, id_, until in found]

    def forget(self, connection: Connection, before: float) -> None:
        """Removes marks that may go."""
        table = self.tables.seen
        mine = table.c.application_id == self.queries.application
        connection.execute(delete(table).where(mine, table.c.until_epoch < before))

    def outbox(self, connection: Connection) -> list[dict[str, Json]]:
        """What is to be published, oldest first."""
        table = self.tables.events
        query = self.queries.of(table.c.attributes, table.c.data).where(
            table.c.reg_id == registration(self.queries.application)
        )
        events = []
        for attributes, data in self.queries.whole(connection, query.order_by(table.c.token, table.c.sequence)):
            event = self.codec.decode(attributes)
            events.append(event if data is None else {**event, "data": self.codec.decode(data)})
        return events

    def _row(self, event: dict[str, Json], token: int) -> Row:
        attributes = {name: value for name, value in event.items() if name != "data"}
        extensions = {name: value for name, value in event.items() if name not in _STANDARD}
        # A clock that is set back must not bring a later event before an earlier one.
        self._last = max(self._last + 1, time.time_ns() // 1000)
        return (
            *event_key((event["source"], event["id"])),
            registration(self.queries.application),
            shortened(str(event.get("type", "")), 255),
            *(_text(event.get(name)) for name in ("subject", "datacontenttype", "dataschema")),
            _instant(event.get("time")),
            self.codec.encode(event["data"]) if "data" in event else None,
            self.codec.encode(extensions) if extensions else None,
            False,
            0 if event.get("specversion") == "0.3" else 1,
            token,
            self._last,
            self.codec.encode(attributes),
        )


def _text(value: Json) -> str | None:
    return None if value is None else shortened(str(value), 255)


def _instant(value: Json) -> float | None:
    try:
        return instant(datetime.fromisoformat(value).timestamp())
    except (TypeError, ValueError):
        return None
