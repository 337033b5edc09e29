"""FileStore: the Store protocol on one LMDB file per application.

The lease is the lock on the file: whoever opened it to write is alone, so that a lease that another process left behind
counts for nothing. Only its token is kept, and grows with each lease.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import orjson

from flowrt.core.definition import Subscription
from flowrt.core.records import Stored
from flowrt.stores.codec import Codec
from flowrt.stores.cursor import decode_cursor, encode_cursor
from flowrt.stores.file import keys
from flowrt.stores.file.environment import Environment
from flowrt.stores.file.reading import Reading
from flowrt.stores.file.writing import Writing
from flowrt.stores.protocol import Batch, BrokenEntry, Definition, Entry, Mark, Page, Query, StoreUnavailable

Json = Any
Result = TypeVar("Result")
_MAP_SIZE = 1 << 30
_AT_ONCE = 200
"""How many instances are read before the event loop has its turn again."""


class FileStore:
    """For one server on one machine: durable, and nothing to install."""

    name = "file"
    durable = True

    def __init__(
        self,
        path: str | Path,
        application: str = "default",
        *,
        map_size: int = _MAP_SIZE,
        compression: str = "none",
        readonly: bool = False,
    ) -> None:
        """`path` is a folder; `map_size` (bytes) is where the map begins, it grows by itself."""
        self._codec = Codec(compression)
        self._environment = Environment(Path(path) / f"{_file_name(application)}.lmdb", map_size, readonly)
        self._lease: tuple[str, int, float] = ("", 0, 0.0)

    async def open(self) -> None:
        self._environment.open()

    async def close(self) -> None:
        self._environment.close()

    async def acquire(self, holder: str, ttl_s: float) -> int | None:
        def take(writing: Writing) -> int | None:
            owner, _, until = self._lease
            if until > time.monotonic() and owner != holder:
                return None
            token = writing.next_token()
            self._lease = (holder, token, time.monotonic() + ttl_s)
            return token

        return await self._write(take)

    async def renew(self, token: int, ttl_s: float) -> bool:
        holder, current, _ = self._lease
        if token != current:
            return False
        self._lease = (holder, token, time.monotonic() + ttl_s)
        return True

    async def release(self, token: int) -> None:
        if token == self._lease[1]:
            self._lease = ("", token, 0.0)

    async def commit(self, batch: Batch, token: int) -> None:
        await self._write(lambda writing: writing.commit(batch, token))

    async def load(self, ids: Sequence[str]) -> dict[str, Stored | BrokenEntry]:
        found: dict[str, Stored | BrokenEntry] = {}
        for start in range(0, len(ids), _AT_ONCE):
            found.update(self._read(partial(Reading.load_all, ids=ids[start : start + _AT_ONCE])))
            if start + _AT_ONCE < len(ids):
                await asyncio.sleep(0)
        return found

    async def unfinished(
        self, after: str | None = None, limit: int = 1000
    ) -> list[tuple[Entry, Sequence[Subscription]]]:
        return self._read(lambda reading: reading.unfinished(after, limit))

    async def find(self, query: Query) -> Page:
        after = decode_cursor(query.cursor) if query.cursor is not None else None
        items: list[Entry] = []
        while len(items) <= query.limit:
            scanned = self._read(partial(Reading.scan, query=query, after=after, limit=_AT_ONCE))
            if not scanned:
                break
            items += [entry for entry in scanned if query.matches(entry)]
            after = (scanned[-1].started_at, scanned[-1].id)
            await asyncio.sleep(0)
        page = items[: query.limit]
        return Page(page, encode_cursor(page[-1].started_at, page[-1].id) if len(items) > query.limit else None)

    async def history(self, id: str) -> list[Json]:
        return self._read(lambda reading: reading.history(id))

    async def delete(self, ids: Sequence[str]) -> int:
        return await self._write(lambda writing: sum(writing.delete(id_) for id_ in ids))

    async def expired(self, status: str, ended_before: float, limit: int) -> list[str]:
        return self._read(lambda reading: reading.expired(status, ended_before, limit))

    async def put_definition(self, definition: Definition) -> None:
        known = await self.definition(definition.digest)
        kept = definition if known is None else replace(known, deployed=definition.deployed)
        if kept != known:
            key, value = keys.id_key(definition.digest), orjson.dumps(asdict(kept))
            database = self._environment.databases.definitions
            await self._environment.write(lambda transaction: transaction.put(key, value, db=database))

    async def definition(self, digest: str) -> Definition | None:
        database = self._environment.databases.definitions
        value = self._environment.read(lambda transaction: transaction.get(keys.id_key(digest), db=database))
        return None if value is None else Definition(**orjson.loads(value))

    async def deployed(self) -> list[Definition]:
        database = self._environment.databases.definitions
        values = self._environment.read(
            lambda transaction: list(transaction.cursor(database).iternext(keys=False, values=True))
        )
        definitions = [Definition(**orjson.loads(value)) for value in values]
        return [definition for definition in definitions if definition.deployed]

    async def seen(self, events: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        return self._read(lambda reading: {event for event in events if reading.seen(*event)})

    async def marks(self, after: Mark | None = None, limit: int = 1000) -> Sequence[Mark]:
        return self._read(lambda reading: reading.marks(after, limit))

    async def forget_seen(self, before: float) -> None:
        await self._write(lambda writing: writing.forget_seen(before))

    async def outbox(self) -> list[dict[str, Json]]:
        return self._read(Reading.outbox)

    async def check(self) -> str | None:
        try:
            self._read(Reading.counts)
        except StoreUnavailable as error:
            return str(error)
        return None

    async def info(self) -> dict[str, Json]:
        figures = self._environment.info()
        return {
            "store": "file",
            "durable": True,
            "path": str(self._environment.path),
            "readonly": self._environment.readonly,
            "size": self._environment.path.stat().st_size,
            "map_size": figures["map_size"],
            **self._read(Reading.counts),
        }

    def _read(self, work: Callable[[Reading], Result]) -> Result:
        databases = self._environment.databases
        return self._environment.read(lambda transaction: work(Reading(transaction, databases, self._codec.decode)))

    async def _write(self, work: Callable[[Writing], Result]) -> Result:
        databases = self._environment.databases
        return await self._environment.write(
            lambda transaction: work(Writing(transaction, databases, self._codec.encode))
        )


def _file_name(application: str) -> str:
    name = quote(application, safe=" ")
    return name if len(name) <= 100 else f"{name[:80]}-{blake2b(application.encode(), digest_size=8).hexdigest()}"
