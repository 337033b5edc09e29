"""RedisStore: the Store protocol on one hash per instance and sorted sets that find them.

Every commit is one script; see scripts.py for what it checks and names.py for what the keys are.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import orjson
from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError

from flowrt.core.definition import Subscription
from flowrt.core.records import Stored
from flowrt.stores.codec import Codec
from flowrt.stores.cursor import decode_cursor, encode_cursor
from flowrt.stores.protocol import (
    Batch,
    BrokenEntry,
    Definition,
    Entry,
    Mark,
    Page,
    Query,
    StaleOwner,
    StoreRefused,
    StoreUnavailable,
)
from flowrt.stores.redis import names, reading, scripts
from flowrt.stores.redis.asking import each, entries, events_to_send
from flowrt.stores.redis.connection import FAILURES, connect, reaching, unavailable
from flowrt.stores.redis.durability import check_durability
from flowrt.stores.redis.layout import Layout
from flowrt.stores.redis.scripted import ScriptedSteps
from flowrt.stores.redis.settings import RedisSettings
from flowrt.stores.redis.steps import Steps
from flowrt.stores.redis.transactional import TransactionalSteps

Json = Any
_AT_ONCE = 200


class RedisStore:
    """For several servers that share their instances, or one."""

    name = "redis"
    durable = True

    def __init__(self, settings: RedisSettings, application: str = "default") -> None:
        self.settings = settings
        self.application = application
        self._names = names.Names(application)
        self._codec = Codec(settings.compression)
        self._client: Any = None
        self._chosen: Steps | None = None
        self._durability: dict[str, str] = {}

    @classmethod
    def from_url(cls, url: str, application: str = "default") -> RedisStore:
        """The store that a URL names. Raises `StoreRefused`."""
        return cls(RedisSettings.from_url(url), application)

    async def open(self) -> None:
        try:
            self._client = await connect(self.settings, self._names.lease)
            await self._client.ping()
            self._durability = await check_durability(self._client, self.settings)
            self._chosen = await self._choose()
        except (AuthenticationError, NoPermissionError) as error:
            await self.close()
            raise StoreRefused(f"{self.settings.place} does not let flowrt in: {error}") from error
        except FAILURES as error:
            await self.close()
            raise unavailable(self.settings, error) from error
        except StoreRefused:
            await self.close()
            raise

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    @reaching
    async def acquire(self, holder: str, ttl_s: float) -> int | None:
        return await self._steps.acquire(holder, int(ttl_s * 1000)) or None

    @reaching
    async def renew(self, token: int, ttl_s: float) -> bool:
        return await self._steps.renew(token, int(ttl_s * 1000))

    @reaching
    async def release(self, token: int) -> None:
        await self._steps.release(token)

    @reaching
    async def commit(self, batch: Batch, token: int) -> None:
        refusal = await self._steps.commit(Layout(self._names, self._codec.encode, batch, token))
        if refusal is None:
            return
        if refusal.current_token is not None:
            raise StaleOwner(f"token {token} is not current, {refusal.current_token} is")
        stale = [batch.checkpoints[number].entry.id for number in refusal.stale]
        raise StaleOwner(f"{len(stale)} instances have another revision", stale)

    @reaching
    async def load(self, ids: Sequence[str]) -> dict[str, Stored | BrokenEntry]:
        found: dict[str, Stored | BrokenEntry] = {}
        for start in range(0, len(ids), _AT_ONCE):
            some = ids[start : start + _AT_ONCE]
            hashes = await each(
                self._server, lambda ask, id_: ask.hgetall(self._names.instance(names.encoded(id_))), some
            )
            for id_, fields in zip(some, hashes, strict=True):
                if fields is None or fields:
                    found[id_] = reading.stored_from(id_, fields or {}, self._codec.decode)
        return found

    @reaching
    async def unfinished(
        self, after: str | None = None, limit: int = 1000
    ) -> list[tuple[Entry, Sequence[Subscription]]]:
        begin = b"-" if after is None else b"(" + names.encoded(after)
        ids = await self._server.zrangebylex(self._names.places[names.UNFINISHED], begin, b"+", 0, limit)
        rows = await each(self._server, lambda ask, id_: ask.hmget(self._names.instance(id_), "entry", "listens"), ids)
        return [reading.listed(id_, *(row or (None, None))) for id_, row in zip(ids, rows, strict=True)]

    @reaching
    async def find(self, query: Query) -> Page:
        after = decode_cursor(query.cursor) if query.cursor is not None else None
        place, prefix = reading.place_of(query)
        upper, lower = names.bounds(prefix, after, query.since)
        items: list[Entry] = []
        while len(items) <= query.limit:
            members = await self._server.zrevrangebylex(self._names.places[place], upper, lower, 0, _AT_ONCE)
            if not members:
                break
            found = await entries(self._server, self._names, [names.id_in(member, prefix) for member in members])
            items += [entry for entry in found if query.matches(entry)]
            upper = b"(" + members[-1]
        page = items[: query.limit]
        return Page(page, encode_cursor(page[-1].started_at, page[-1].id) if len(items) > query.limit else None)

    @reaching
    async def history(self, id: str) -> list[Json]:
        members = await self._server.zrange(self._names.history(names.encoded(id)), 0, -1)
        return reading.history_from(id, members, self._codec.decode)

    @reaching
    async def delete(self, ids: Sequence[str]) -> int:
        removed = 0
        for start in range(0, len(ids), _AT_ONCE):
            removed += await self._steps.delete([names.encoded(id_) for id_ in ids[start : start + _AT_ONCE]])
        return removed

    @reaching
    async def expired(self, status: str, ended_before: float, limit: int) -> list[str]:
        prefix = names.status_prefix(status)
        ended = self._names.places[names.ENDED_AT]
        upper = b"(" + prefix + names.at(ended_before)
        members = await self._server.zrangebylex(ended, b"[" + prefix, upper, 0, limit)
        return [names.id_from(names.id_in(member, prefix)) for member in members]

    @reaching
    async def put_definition(self, definition: Definition) -> None:
        known = await self.definition(definition.digest)
        kept = definition if known is None else replace(known, deployed=definition.deployed)
        if kept != known:
            await self._server.hset(self._names.definitions, definition.digest, orjson.dumps(asdict(kept)))

    @reaching
    async def definition(self, digest: str) -> Definition | None:
        value = await self._server.hget(self._names.definitions, digest)
        return None if value is None else Definition(**orjson.loads(value))

    @reaching
    async def deployed(self) -> list[Definition]:
        values = await self._server.hvals(self._names.definitions)
        definitions = [Definition(**orjson.loads(value)) for value in values]
        return [definition for definition in definitions if definition.deployed]

    @reaching
    async def seen(self, events: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        marks = await each(
            self._server, lambda ask, event: ask.zscore(self._names.seen, names.event_member(*event)), events
        )
        return {event for event, mark in zip(events, marks, strict=True) if mark is not None}

    @reaching
    async def marks(self, after: Mark | None = None, limit: int = 1000) -> Sequence[Mark]:
        rank = None if after is None else await self._server.zrank(self._names.seen, names.event_member(*after[:2]))
        start = 0 if rank is None else rank + 1
        found = await self._server.zrange(self._names.seen, start, start + limit - 1, withscores=True)
        return [(*json.loads(event), float(until)) for event, until in found]

    @reaching
    async def forget_seen(self, before: float) -> None:
        await self._server.zremrangebyscore(self._names.seen, "-inf", f"({before!r}")

    @reaching
    async def outbox(self) -> list[dict[str, Json]]:
        return [self._codec.decode(event) for event in await events_to_send(self._server, self._names)]

    async def check(self) -> str | None:
        try:
            role = await self._server.info("replication")
        except StoreUnavailable as error:
            return str(error)
        except FAILURES as error:
            return str(unavailable(self.settings, error))
        if role.get("role", "master") != "master":
            return f"{self.settings.place} is a replica and takes no writes"
        return None

    @reaching
    async def info(self) -> dict[str, Json]:
        told = await self._server.info("server")
        starts, unfinished = (self._names.places[place] for place in (names.STARTS, names.UNFINISHED))
        return {
            "store": "redis",
            "durable": True,
            "place": self.settings.place,
            "version": str(told.get("redis_version", "unknown")),
            "durability": self._durability,
            "instances": await self._server.zcard(starts),
            "unfinished": await self._server.zcard(unfinished),
        }

    @property
    def _server(self) -> Any:
        if self._client is None:
            raise StoreUnavailable(f"{self.settings.place}: the store is not open")
        return self._client

    @property
    def _steps(self) -> Steps:
        if self._chosen is None:
            raise StoreUnavailable(f"{self.settings.place}: the store is not open")
        return self._chosen

    async def _choose(self) -> Steps:
        try:
            taken = await self._server.eval(scripts.TAKES_ANY_BYTES, 1, self._names.lease, b"\x00\xff")
        except ResponseError:  # scripts are forbidden
            taken = None
        if taken == 2:
            return ScriptedSteps(self._server, self._names, self.settings)
        return TransactionalSteps(self._server, self._names, self.settings.timeout_ms / 1000)
