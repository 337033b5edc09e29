"""The memory store: everything is lost at exit. Keeps records as bytes, so that what is read was really encoded."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from flowrt.core.definition import Subscription
from flowrt.core.instance import ENDED, StateKey
from flowrt.core.records import Stored
from flowrt.stores.cursor import decode_cursor, encode_cursor
from flowrt.stores.protocol import Batch, BrokenEntry, Checkpoint, Definition, Entry, Mark, Page, Query, StaleOwner

Json = Any


@dataclass(slots=True)
class _Kept:
    entry: Entry
    revision: int
    token: int
    head: bytes
    fields: dict[str, bytes] = field(default_factory=dict)
    live: dict[StateKey, tuple[bytes, bytes]] = field(default_factory=dict)
    history: list[tuple[str, int, bytes]] = field(default_factory=list)
    recorded: int = 0
    """How many completed tasks the history has had."""
    subscriptions: Sequence[Subscription] = ()


class MemoryStore:
    """For `flowrt run` and tests."""

    name = "memory"
    durable = False

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        self._definitions: dict[str, Definition] = {}
        self._seen: dict[tuple[str, str], float] = {}
        self._outbox: dict[tuple[str, str], bytes] = {}
        self._lease: tuple[str, int, float] = ("", 0, 0.0)

    async def open(self) -> None:
        """Nothing to prepare."""

    async def close(self) -> None:
        """Nothing to release."""

    async def acquire(self, holder: str, ttl_s: float) -> int | None:
        owner, token, until = self._lease
        if until > time.monotonic() and owner != holder:
            return None
        self._lease = (holder, token + 1, time.monotonic() + ttl_s)
        return token + 1

    async def renew(self, token: int, ttl_s: float) -> bool:
        owner, current, _ = self._lease
        if token != current:
            return False
        self._lease = (owner, token, time.monotonic() + ttl_s)
        return True

    async def release(self, token: int) -> None:
        if token == self._lease[1]:
            self._lease = ("", token, 0.0)

    async def commit(self, batch: Batch, token: int) -> None:
        if token != self._lease[1]:
            raise StaleOwner(f"token {token} is not current, {self._lease[1]} is")
        stale, written = [], False
        for checkpoint in batch.checkpoints:
            kept = self._kept.get(checkpoint.entry.id)
            revision = 0 if kept is None else kept.revision
            if revision == checkpoint.revision and kept is not None and kept.token == token:
                written = True
            elif revision != checkpoint.revision - 1:
                stale.append(checkpoint.entry.id)
        if stale:
            raise StaleOwner(f"{len(stale)} instances have another revision", stale)
        if written:
            return
        for checkpoint in batch.checkpoints:
            self._write(checkpoint, token)
        for source, id_, until in batch.seen:
            self._seen[source, id_] = until
        for event in batch.emitted():
            self._outbox[event["source"], event["id"]] = _dumps(event)
        for key in batch.sent:
            self._outbox.pop(key, None)

    def _write(self, checkpoint: Checkpoint, token: int) -> None:
        id_ = checkpoint.entry.id
        kept = self._kept.get(id_)
        head = _dumps(checkpoint.head)
        if kept is None:
            kept = self._kept[id_] = _Kept(checkpoint.entry, 0, token, head)
        kept.entry, kept.revision, kept.token, kept.head = checkpoint.entry, checkpoint.revision, token, head
        for name, value in checkpoint.fields.items():
            kept.fields[name] = _dumps(value)
        for key, pieces in checkpoint.live.items():
            if pieces is None:
                kept.live.pop(key, None)
                continue
            fixed, moving = pieces
            kept.live[key] = (kept.live[key][0] if fixed is None else _dumps(fixed), _dumps(moving))
        if checkpoint.pruned:
            below = checkpoint.pruned
            kept.history = [record for record in kept.history if record[1] >= below.get(record[0], 0)]
        segments: dict[tuple[str, int], list[Json]] = {}
        for loop, record in checkpoint.history:
            segments.setdefault((loop, record["iteration"] if loop else 0), []).append([kept.recorded, record])
            kept.recorded += 1
        for (loop, iteration), records in segments.items():
            kept.history.append((loop, iteration, _dumps(records)))
        if checkpoint.subscriptions is not None:
            kept.subscriptions = list(checkpoint.subscriptions)

    async def load(self, ids: Sequence[str]) -> dict[str, Stored | BrokenEntry]:
        found: dict[str, Stored | BrokenEntry] = {}
        for id_ in ids:
            kept = self._kept.get(id_)
            if kept is not None:
                found[id_] = Stored(
                    orjson.loads(kept.head),
                    {name: orjson.loads(value) for name, value in kept.fields.items()},
                    [(key, orjson.loads(fixed), orjson.loads(moving)) for key, (fixed, moving) in kept.live.items()],
                )
        return found

    async def unfinished(
        self, after: str | None = None, limit: int = 1000
    ) -> list[tuple[Entry, Sequence[Subscription]]]:
        ids = sorted(id_ for id_, kept in self._kept.items() if kept.entry.status not in ENDED)
        chosen = [id_ for id_ in ids if after is None or id_ > after][:limit]
        return [(self._kept[id_].entry, self._kept[id_].subscriptions) for id_ in chosen]

    async def find(self, query: Query) -> Page:
        after = decode_cursor(query.cursor) if query.cursor is not None else None
        entries = [kept.entry for kept in self._kept.values() if query.matches(kept.entry)]
        entries.sort(key=lambda entry: (entry.started_at, entry.id), reverse=True)
        if after is not None:
            entries = [entry for entry in entries if (entry.started_at, entry.id) < after]
        page = entries[: query.limit]
        return Page(page, encode_cursor(page[-1].started_at, page[-1].id) if len(entries) > query.limit else None)

    async def history(self, id: str) -> list[Json]:
        kept = self._kept.get(id)
        numbered = (
            [each for _, _, segment in kept.history for each in orjson.loads(segment)] if kept is not None else []
        )
        return [record for _, record in sorted(numbered, key=lambda each: int(each[0]))]

    async def delete(self, ids: Sequence[str]) -> int:
        return sum(self._kept.pop(id_, None) is not None for id_ in ids)

    async def expired(self, status: str, ended_before: float, limit: int) -> list[str]:
        found = (kept.entry for kept in self._kept.values() if kept.entry.status == status)
        return [entry.id for entry in found if (entry.ended_at or 0.0) < ended_before][:limit]

    async def put_definition(self, definition: Definition) -> None:
        known = self._definitions.get(definition.digest, definition)
        self._definitions[definition.digest] = replace(known, deployed=definition.deployed)

    async def definition(self, digest: str) -> Definition | None:
        return self._definitions.get(digest)

    async def deployed(self) -> list[Definition]:
        return [definition for definition in self._definitions.values() if definition.deployed]

    async def seen(self, events: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        return {event for event in events if event in self._seen}

    async def marks(self, after: Mark | None = None, limit: int = 1000) -> Sequence[Mark]:
        known = sorted(event for event in self._seen if after is None or event > after[:2])
        return [(*event, self._seen[event]) for event in known[:limit]]

    async def forget_seen(self, before: float) -> None:
        self._seen = {event: until for event, until in self._seen.items() if until >= before}

    async def outbox(self) -> list[dict[str, Json]]:
        return [orjson.loads(event) for event in self._outbox.values()]

    async def check(self) -> str | None:
        return None

    async def info(self) -> dict[str, Json]:
        return {"store": "memory", "durable": False, "instances": len(self._kept)}


def _dumps(value: Json) -> bytes:
    # A copy, since orjson's bytes keep the room they were written in: 4 KB each.
    return bytes(memoryview(orjson.dumps(value)))
