"""A store that fails as real ones do, at times drawn from a seed: the same seed fails the same calls.

What it reports is `StoreUnavailable` only, so everything that was asked of it may be asked again. A commit that was
written and reported as failed is what a timeout, or a connection lost at the wrong moment, looks like to the caller.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from flowrt.core.definition import Subscription
from flowrt.core.records import Stored
from flowrt.stores.protocol import Batch, BrokenEntry, Definition, Entry, Mark, Page, Query, Store, StoreUnavailable

Json = Any
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Faults:
    """How likely each fault is at one call, from 0 to 1; the sum must not exceed 1."""

    before: float = 0.1
    """Fails before anything is done."""
    after: float = 0.1
    """Does it, then fails."""
    timed_out: float = 0.1
    """Does it, keeps the caller waiting, then reports that the time was up."""
    delay: float = 0.1
    """Does it late."""
    delay_s: float = 0.01

    def __post_init__(self) -> None:
        if not 0 <= self.before + self.after + self.timed_out + self.delay <= 1:
            raise ValueError("the likelihoods of faults must be positive and must not exceed 1 together")


class FaultyStore:
    """Wraps a store; `open`, `close`, `check` and `info` work as they are."""

    def __init__(self, store: Store, seed: int = 0, faults: Faults = Faults()) -> None:
        self.store = store
        self.faults = faults
        self.failed = 0
        """How many calls have failed so far."""
        self._random = random.Random(seed)

    @property
    def name(self) -> str:
        return self.store.name

    @name.setter
    def name(self, name: str) -> None:
        self.store.name = name

    @property
    def durable(self) -> bool:
        return self.store.durable

    @durable.setter
    def durable(self, durable: bool) -> None:
        self.store.durable = durable

    async def _do(self, what: str, call: Callable[[], Awaitable[T]]) -> T:
        drawn, faults = self._random.random(), self.faults
        if drawn < faults.before:
            raise self._failure(f"{what} was not done")
        drawn -= faults.before
        if drawn < faults.after:
            await call()
            raise self._failure(f"the connection was lost during {what}")
        drawn -= faults.after
        if drawn < faults.timed_out:
            await call()
            await asyncio.sleep(faults.delay_s)
            raise self._failure(f"the time for {what} was up")
        if drawn - faults.timed_out < faults.delay:
            await asyncio.sleep(faults.delay_s)
        return await call()

    def _failure(self, text: str) -> StoreUnavailable:
        self.failed += 1
        return StoreUnavailable(f"fault {self.failed} of the test: {text}")

    async def open(self) -> None:
        await self.store.open()

    async def close(self) -> None:
        await self.store.close()

    async def check(self) -> str | None:
        return await self.store.check()

    async def info(self) -> dict[str, Json]:
        return await self.store.info()

    async def acquire(self, holder: str, ttl_s: float) -> int | None:
        return await self._do("acquire", lambda: self.store.acquire(holder, ttl_s))

    async def renew(self, token: int, ttl_s: float) -> bool:
        return await self._do("renew", lambda: self.store.renew(token, ttl_s))

    async def release(self, token: int) -> None:
        await self._do("release", lambda: self.store.release(token))

    async def commit(self, batch: Batch, token: int) -> None:
        await self._do("commit", lambda: self.store.commit(batch, token))

    async def load(self, ids: Sequence[str]) -> dict[str, Stored | BrokenEntry]:
        return await self._do("load", lambda: self.store.load(ids))

    async def unfinished(
        self, after: str | None = None, limit: int = 1000
    ) -> list[tuple[Entry, Sequence[Subscription]]]:
        return await self._do("unfinished", lambda: self.store.unfinished(after, limit))

    async def find(self, query: Query) -> Page:
        return await self._do("find", lambda: self.store.find(query))

    async def history(self, id: str) -> list[Json]:
        return await self._do("history", lambda: self.store.history(id))

    async def delete(self, ids: Sequence[str]) -> int:
        return await self._do("delete", lambda: self.store.delete(ids))

    async def expired(self, status: str, ended_before: float, limit: int) -> list[str]:
        return await self._do("expired", lambda: self.store.expired(status, ended_before, limit))

    async def put_definition(self, definition: Definition) -> None:
        await self._do("put_definition", lambda: self.store.put_definition(definition))

    async def definition(self, digest: str) -> Definition | None:
        return await self._do("definition", lambda: self.store.definition(digest))

    async def deployed(self) -> list[Definition]:
        return await self._do("deployed", lambda: self.store.deployed())

    async def seen(self, events: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        return await self._do("seen", lambda: self.store.seen(events))

    async def marks(self, after: Mark | None = None, limit: int = 1000) -> Sequence[Mark]:
        return await self._do("marks", lambda: self.store.marks(after, limit))

    async def forget_seen(self, before: float) -> None:
        await self._do("forget_seen", lambda: self.store.forget_seen(before))

    async def outbox(self) -> list[dict[str, Json]]:
        return await self._do("outbox", lambda: self.store.outbox())
