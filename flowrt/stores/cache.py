"""CachedStore: a store with memory of what it read, for backends where a read costs a round trip.

- It remembers only while its process has the lease: then nobody else writes what it remembers. A lease taken or lost,
  and a write refused as stale, empty it. A fenced write is never decided here, but always by the backend.
- What a commit or a deletion touches is forgotten before the call returns, and is not remembered by a read that began
  before.
- What is remembered is copied, so that nothing a reader does with what it got can reach the next one.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from flowrt.core.definition import Subscription
from flowrt.core.records import Stored
from flowrt.stores.codec import Codec
from flowrt.stores.protocol import Batch, BrokenEntry, Definition, Entry, Mark, Page, Query, StaleOwner, Store

Json = Any
Listed = list[tuple[Entry, Sequence[Subscription]]]
Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
ListedValue = TypeVar("ListedValue", Page, Listed)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is remembered, and for how long after it was last asked for."""

    maximum_size: int
    expire_after_access_s: float


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """`key_value`: instances; `key_set`: lists of them. None: not remembered."""

    key_value: Bounds | None = None
    key_set: Bounds | None = None

    @classmethod
    def of(cls, section: Any) -> CacheSettings:
        """From the `cache` section of the configuration."""
        return cls(*(_bounds(part) for part in (section.key_value, section.key_set)))


def _bounds(section: Any) -> Bounds | None:
    return None if section is None else Bounds(section.maximum_size, section.expire_after_access_seconds)


class Recent(Generic[Key, Value]):
    """The values asked for last."""

    def __init__(self, bounds: Bounds | None, clock: Callable[[], float]) -> None:
        self._bounds = bounds or Bounds(0, 0.0)
        self._clock = clock
        self._kept: OrderedDict[Key, tuple[float, Value]] = OrderedDict()
        self._reading: list[set[Key]] = []
        self.hits = self.misses = 0

    def get(self, key: Key) -> Value | None:
        """The value, if it is still remembered."""
        now = self._clock()
        until, value = self._kept.pop(key, (now, None))
        if value is None or until <= now:
            self.misses += 1
            return None
        self._kept[key] = (now + self._bounds.expire_after_access_s, value)
        self.hits += 1
        return value

    def begin(self, keys: Iterable[Key]) -> set[Key]:
        """A read of these begins; what is forgotten while it runs is not put by it."""
        reading = set(keys)
        self._reading.append(reading)
        return reading

    def end(self, reading: set[Key], found: Iterable[tuple[Key, Value]]) -> None:
        """The read has ended, with or without having found something."""
        self._reading = [other for other in self._reading if other is not reading]
        until = self._clock() + self._bounds.expire_after_access_s
        for key, value in found:
            if key in reading:
                self._kept[key] = (until, value)
        while len(self._kept) > self._bounds.maximum_size:
            self._kept.popitem(last=False)

    def forget(self, keys: Iterable[Key]) -> None:
        """Forgets these."""
        for key in keys:
            self._kept.pop(key, None)
            for reading in self._reading:
                reading.discard(key)

    def clear(self) -> None:
        """Forgets all."""
        self._kept.clear()
        for reading in self._reading:
            reading.clear()

    def __len__(self) -> int:
        return len(self._kept)


class CachedStore:
    """Wraps the store of a backend."""

    def __init__(self, store: Store, settings: CacheSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self.name = store.name
        self.durable = store.durable
        self._codec = Codec()
        self._instances: Recent[str, bytes] = Recent(settings.key_value, clock)
        self._lists: Recent[Hashable, Any] = Recent(settings.key_set, clock)
        self._token: int | None = None

    async def open(self) -> None:
        await self._store.open()

    async def close(self) -> None:
        self._own(None)
        await self._store.close()

    async def acquire(self, holder: str, ttl_s: float) -> int | None:
        self._own(None)
        token = await self._store.acquire(holder, ttl_s)
        self._own(token)
        return token

    async def renew(self, token: int, ttl_s: float) -> bool:
        renewed = await self._store.renew(token, ttl_s)
        if not renewed and token == self._token:
            self._own(None)
        return renewed

    async def release(self, token: int) -> None:
        if token == self._token:
            self._own(None)
        await self._store.release(token)

    async def commit(self, batch: Batch, token: int) -> None:
        try:
            await self._store.commit(batch, token)
        except StaleOwner as stale:
            self._own(self._token if stale.instances else None)
            raise
        finally:
            # Also after a failure: the backend may have written it without saying so.
            self._forget(checkpoint.entry.id for checkpoint in batch.checkpoints)

    async def load(self, ids: Sequence[str]) -> dict[str, Stored | BrokenEntry]:
        remembered = {id_: self._instances.get(id_) for id_ in ids} if self._token is not None else {}
        found: dict[str, Stored | BrokenEntry] = {}
        missing = []
        for id_ in ids:
            record = remembered.get(id_)
            if record is None:
                missing.append(id_)
            else:
                head, fields, live = self._codec.decode(record)
                found[id_] = Stored(head, fields, [((position, at), *pieces) for position, at, *pieces in live])
        if missing:
            found.update(await self._load(missing))
        return found

    async def unfinished(self, after: str | None = None, limit: int = 1000) -> Listed:
        return await self._listed(("unfinished", after, limit), lambda: self._store.unfinished(after, limit))

    async def find(self, query: Query) -> Page:
        return await self._listed(query, lambda: self._store.find(query))

    async def delete(self, ids: Sequence[str]) -> int:
        try:
            return await self._store.delete(ids)
        finally:
            self._forget(ids)

    async def expired(self, status: str, ended_before: float, limit: int) -> list[str]:
        return await self._store.expired(status, ended_before, limit)

    async def history(self, id: str) -> list[Json]:
        return await self._store.history(id)

    async def put_definition(self, definition: Definition) -> None:
        await self._store.put_definition(definition)

    async def definition(self, digest: str) -> Definition | None:
        return await self._store.definition(digest)

    async def deployed(self) -> list[Definition]:
        return await self._store.deployed()

    async def seen(self, events: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        return await self._store.seen(events)

    async def marks(self, after: Mark | None = None, limit: int = 1000) -> Sequence[Mark]:
        return await self._store.marks(after, limit)

    async def forget_seen(self, before: float) -> None:
        await self._store.forget_seen(before)

    async def outbox(self) -> list[dict[str, Json]]:
        return await self._store.outbox()

    async def check(self) -> str | None:
        return await self._store.check()

    async def info(self) -> dict[str, Json]:
        remembered: dict[str, Recent[Any, Any]] = {"instances": self._instances, "lists": self._lists}
        figures = {
            name: {"size": len(cache), "hits": cache.hits, "misses": cache.misses} for name, cache in remembered.items()
        }
        return {**await self._store.info(), "cache": figures}

    def _own(self, token: int | None) -> None:
        self._token = token
        self._instances.clear()
        self._lists.clear()

    def _forget(self, ids: Iterable[str]) -> None:
        touched = list(ids)
        if touched:
            self._instances.forget(touched)
            self._lists.clear()

    async def _load(self, ids: Sequence[str]) -> dict[str, Stored | BrokenEntry]:
        reading = self._instances.begin(ids if self._token is not None else ())
        records: list[tuple[str, bytes]] = []
        try:
            found = await self._store.load(ids)
            for id_, stored in found.items():
                if id_ in reading and isinstance(stored, Stored):
                    live = [[*key, fixed, moving] for key, fixed, moving in stored.live]
                    records.append((id_, self._codec.encode([stored.head, dict(stored.fields), live])))
        finally:
            self._instances.end(reading, records)
        return found

    async def _listed(self, key: Hashable, ask: Callable[[], Awaitable[ListedValue]]) -> ListedValue:
        remembered: ListedValue | None = self._lists.get(key) if self._token is not None else None
        if remembered is not None:
            return _copied(remembered)
        reading = self._lists.begin([key] if self._token is not None else ())
        found: list[tuple[Hashable, Any]] = []
        try:
            listed = await ask()
            found.append((key, _copied(listed)))
        finally:
            self._lists.end(reading, found)
        return listed


def _copied(listed: ListedValue) -> ListedValue:
    if isinstance(listed, Page):
        return Page([replace(entry) for entry in listed.items], listed.next)
    return [(replace(entry), subscriptions) for entry, subscriptions in listed]
