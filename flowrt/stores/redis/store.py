"""RedisStore: the Store protocol on one hash per instance and sorted sets that find them.

Every commit is one script; see scripts.py for what it checks and names.py for what the keys are.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

import orjson
from redis.exceptions import AuthenticationError, NoPermissionError

from flowrt.core.definition import Subscription
from flowrt.core.records import BrokenRecord, Stored
from flowrt.stores.codec import Codec
from flowrt.stores.cursor import decode_cursor, encode_cursor
from flowrt.stores.entries import entry_from
from flowrt.stores.memory import matches
from flowrt.stores.protocol import (
    Batch,
    BrokenEntry,
    Definition,
    Entry,
    Page,
    Query,
    StaleOwner,
    StoreRefused,
    StoreUnavailable,
)
from flowrt.stores.redis import names, reading, scripts
from flowrt.stores.redis.connection import FAILURES, connect, reaching, unavailable
from flowrt.stores.redis.durability import check_durability
from flowrt.stores.redis.settings import RedisSettings
from flowrt.stores.redis.writing import Writing

Json = Any
_AT_ONCE = 200


class RedisStore:
    """For several servers that share their instances, or one."""

    name = "redis"
    durable = True

    def __init__(self, settings: RedisSettings, application: str = "default") -> None:
        self.settings = settings
        self._names = names.Names(application)
        self._codec = Codec(settings.compression)
        self._client: Any = None
        self._mask: Callable[[bytes], bytes] = bytes
        self._durability: dict[str, str] = {}

    @classmethod
    def from_url(cls, url: str, application: str = "default") -> RedisStore:
        """The store that a URL names. Raises `StoreRefused`."""
        return cls(RedisSettings.from_url(url), application)

    async def open(self) -> None:
        try:
            self._client = await connect(self.settings)
            await self._client.ping()
            self._durability = await check_durability(self._client, self.settings)
            passed = await self._run(scripts.PASSES_BYTES, [self._names.lease], [b"\x00\xff"])
            self._mask = bytes if passed == 2 else names.masked
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
        token = await self._run(scripts.ACQUIRE, [self._names.lease], [names.plain(holder), int(ttl_s * 1000)])
        return int(token) or None

    @reaching
    async def renew(self, token: int, ttl_s: float) -> bool:
        return bool(await self._run(scripts.RENEW, [self._names.lease], [token, int(ttl_s * 1000)]))

    @reaching
    async def release(self, token: int) -> None:
        await self._run(scripts.RELEASE, [self._names.lease], [token])

    @reaching
    async def commit(self, batch: Batch, token: int) -> None:
        writing = Writing(self._names, self._codec.encode, self._mask)
        writing.add(batch, token)
        what, *concerned = await self._run(scripts.COMMIT, writing.keys, writing.arguments)
        if what == b"token":
            raise StaleOwner(f"token {token} is not current, {concerned[0].decode()} is")
        if what == b"stale":
            stale = [batch.checkpoints[int(number) - 1].entry.id for number in concerned]
            raise StaleOwner(f"{len(stale)} instances have another revision", stale)

    @reaching
    async def load(self, ids: Sequence[str]) -> dict[str, Stored | BrokenEntry]:
        found: dict[str, Stored | BrokenEntry] = {}
        for start in range(0, len(ids), _AT_ONCE):
            some = ids[start : start + _AT_ONCE]
            hashes = await self._each(lambda ask, id_: ask.hgetall(self._names.instance(id_)), some)
            for id_, fields in zip(some, hashes, strict=True):
                if fields:
                    found[id_] = reading.stored_from(id_, fields, self._codec.decode)
        return found

    @reaching
    async def unfinished(
        self, after: str | None = None, limit: int = 1000
    ) -> list[tuple[Entry, Sequence[Subscription]]]:
        begin = "-" if after is None else f"({names.plain(after)}"
        members = await self._client.zrangebylex(self._names.places[names.UNFINISHED], begin, "+", 0, limit)
        ids = [member.decode() for member in members]
        rows = await self._each(
            lambda ask, plain: ask.hmget(self._names.instance_of(plain), "entry", "listens"), ids
        )
        return [reading.listed(plain, *row) for plain, row in zip(ids, rows, strict=True)]

    @reaching
    async def find(self, query: Query) -> Page:
        after = decode_cursor(query.cursor) if query.cursor is not None else None
        place, prefix = reading.place_of(query)
        upper = names.end_of(prefix)
        if after is not None:
            upper = f"({prefix}{names.at(after[0])}{names.plain(after[1])}"
        lower = "-" if not prefix and query.since is None else f"[{prefix}{names.at(query.since or 0.0)}"
        items: list[Entry] = []
        while len(items) <= query.limit:
            members = await self._client.zrevrangebylex(self._names.places[place], upper, lower, 0, _AT_ONCE)
            if not members:
                break
            found = await self._entries([member.decode()[len(prefix) + 16 :] for member in members])
            items += [entry for entry in found if matches(query, entry)]
            upper = f"({members[-1].decode()}"
        page = items[: query.limit]
        return Page(page, encode_cursor(page[-1].started_at, page[-1].id) if len(items) > query.limit else None)
