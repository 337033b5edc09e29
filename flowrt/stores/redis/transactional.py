"""TransactionalSteps: each step is one MULTI/EXEC, for servers whose Lua does not make scripts whole (Infinispan).

Such a server notices a change of a watched key that came before EXEC, but not one of an EXEC at the same moment. So
every step first takes its turn: a key that is set only where there is none, watched, and removed by the step itself.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from flowrt.stores.redis import names
from flowrt.stores.redis.layout import Command, Layout
from flowrt.stores.redis.splitting import LARGE, Fields, Splitting
from flowrt.stores.redis.steps import Refusal
from flowrt.stores.sortable import text

_AGAIN_S = 0.002
_KEPT_MS = 10_000
"""After this long the turn of a process that died in it goes to the next."""


class TransactionalSteps:
    """A few round trips each."""

    def __init__(self, client: Any, keys: names.Names, timeout_s: float) -> None:
        self._client = client
        self._names = keys
        self._timeout_s = timeout_s
        self._own_turn = asyncio.Lock()

    async def commit(self, layout: Layout) -> Refusal | None:
        async with self._step([self._names.lease, *layout.hashes]) as step:
            lease, outbox, *held = await self._read([self._names.lease, self._names.outbox, *layout.hashes])
            refusal, written = _checked(layout, lease, held)
            if refusal is not None or written:
                return refusal
            split = {key: before.split() for key, before in zip(layout.hashes, held, strict=True)}
            splitting = Splitting({**split, self._names.outbox: outbox.split()})
            step.multi()
            for key, name, arguments in splitting.of(self._commands(layout, int(lease.events or 0))):
                step.execute_command(name, key, *arguments)
            for key, name, arguments in splitting.rest(names.packed):
                step.execute_command(name, key, *arguments)
            self._move(step, held, layout.places)
            await self._make(step)
        return None

    def _commands(self, layout: Layout, events: int) -> Iterator[Command]:
        yield from layout.commands
        for hash_, now in zip(layout.hashes, layout.places, strict=True):
            yield hash_, "HSET", ["places", now]
        for number, (member, event) in enumerate(layout.events, start=events + 1):
            yield self._names.outbox, "HSET", [member, event]
            yield self._names.outbox_order, "ZADD", ["NX", number, member]
        if layout.events:
            yield self._names.lease, "HSET", ["events", events + len(layout.events)]
        yield from layout.closing

    async def delete(self, ids: Sequence[bytes]) -> int:
        hashes = [self._names.instance(id_) for id_ in ids]
        async with self._step(hashes) as step:
            held = await self._read(hashes)
            step.multi()
            self._move(step, held, [b""] * len(held))
            step.delete(*hashes, *(self._names.history(id_) for id_ in ids))
            await self._make(step)
        return sum(before.revision is not None for before in held)

    async def acquire(self, holder: str, ttl_ms: int) -> int:
        async with self._step([self._names.lease]) as step:
            now = await self._now_ms()
            token, owner, until = await self._client.hmget(self._names.lease, "token", "holder", "until")
            if owner not in (None, text(holder)) and int(until or 0) > now:
                return 0
            step.multi()
            fields = {"token": int(token or 0) + 1, "holder": text(holder), "until": now + ttl_ms}
            step.hset(self._names.lease, mapping=fields)
            await self._make(step)
        return int(token or 0) + 1

    async def renew(self, token: int, ttl_ms: int) -> bool:
        return await self._set_until(token, await self._now_ms() + ttl_ms)

    async def release(self, token: int) -> None:
        await self._set_until(token, 0)

    async def _set_until(self, token: int, until_ms: int) -> bool:
        async with self._step([self._names.lease]) as step:
            current = await self._client.hget(self._names.lease, "token")
            if int(current or 0) != token:
                return False
            step.multi()
            step.hset(self._names.lease, "until", until_ms)
            await self._make(step)
        return True

    @asynccontextmanager
    async def _step(self, keys: Sequence[bytes]) -> AsyncIterator[Any]:
        """A pipeline that watches the keys, while nobody else has the turn."""
        mine = uuid.uuid4().hex.encode()
        async with self._own_turn:
            await self._take_turn(mine)
            try:
                async with self._client.pipeline(transaction=True) as step:
                    await step.watch(self._names.turn, *keys)
                    yield step
            finally:
                if await self._client.get(self._names.turn) == mine:
                    await self._client.delete(self._names.turn)

    async def _take_turn(self, mine: bytes) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                while not await self._client.set(self._names.turn, mine, nx=True, px=_KEPT_MS):
                    await asyncio.sleep(_AGAIN_S)
        except TimeoutError as error:
            raise TimeoutError("other processes write all the time, or one died while it did: try again") from error

    async def _make(self, step: Any) -> None:
        step.delete(self._names.turn)
        await step.execute()

    async def _now_ms(self) -> int:
        seconds, microseconds = await self._client.time()
        return int(seconds) * 1000 + int(microseconds) // 1000

    async def _read(self, keys: Sequence[bytes]) -> list[_Held]:
        ask = self._client.pipeline(transaction=False)
        for key in keys:
            ask.hmget(key, "revision", "token", "places", "events", LARGE)
        return [_Held(*values) for values in await ask.execute()]

    def _move(self, step: Any, before: Sequence[_Held], now: Sequence[bytes]) -> None:
        added: dict[int, dict[bytes, int]] = {}
        removed: dict[int, list[bytes]] = {}
        for held, packed in zip(before, now, strict=True):
            old, new = names.unpacked(held.places or b""), names.unpacked(packed)
            for place, member in new - old:
                added.setdefault(place, {})[member] = 0
            for place, member in old - new:
                removed.setdefault(place, []).append(member)
        for place, members in added.items():
            step.zadd(self._names.places[place], members)
        for place, gone in removed.items():
            step.zrem(self._names.places[place], *gone)


class _Held(NamedTuple):
    """What a hash holds of this."""

    revision: bytes | None
    token: bytes | None
    places: bytes | None
    events: bytes | None
    large: bytes | None

    def split(self) -> Fields:
        """Its fields that are split now."""
        return {field: count for count, field in names.unpacked(self.large or b"")}


def _checked(layout: Layout, lease: _Held, held: Sequence[_Held]) -> tuple[Refusal | None, bool]:
    """Why it must not be written, and whether it has been."""
    current = int(lease.token or 0)
    if current != layout.token:
        return Refusal(current_token=current), False
    stale, written = [], False
    for number, (revision, before) in enumerate(zip(layout.revisions, held, strict=True)):
        if int(before.revision or 0) == revision and int(before.token or 0) == layout.token:
            written = True
        elif int(before.revision or 0) != revision - 1:
            stale.append(number)
    return (Refusal(stale=stale) if stale else None), written
