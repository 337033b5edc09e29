"""Brokers: the connections that messages are published over, kept for the next message for a while.

Invariant: a message that fails on a kept connection is tried once more on a new one; it has the same key.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from flowrt.core.fault import Faulted
from flowrt.effects.client.faults import misconfigured

from .broker import Access, Broker, Channel, Outgoing
from .faults import is_lost, too_late
from .protocols import PROTOCOLS, make_broker, problem_of

_IDLE_S = 60.0


@dataclass(slots=True)
class _Kept:
    broker: Broker
    proved: bool = False
    """Whether a message has gone over it."""
    users: int = 0
    timer: asyncio.TimerHandle | None = None


class Brokers:
    """Belongs to one event loop."""

    def __init__(self, idle_s: float = _IDLE_S) -> None:
        self._idle_s = idle_s
        self._kept: dict[Access, _Kept] = {}
        self._closing: set[asyncio.Task[None]] = set()

    async def publish(self, access: Access, channel: Channel, message: Outgoing) -> None:
        """Raises `communication`/503 when the server does not take it, /504 when that takes too long."""
        if (problem := problem_of(access.server.protocol)) is not None:
            raise misconfigured(problem)
        total_s = access.settings.timeouts.total_s
        try:
            async with asyncio.timeout(total_s) as limit:
                await self._publish(access, channel, message)
        except TimeoutError:
            if not limit.expired():
                raise
            raise too_late(access.server, f"not published within {total_s:g} s (total timeout)") from None

    async def close(self) -> None:
        kept = list(self._kept.values())
        self._kept.clear()
        for each in kept:
            if each.timer is not None:
                each.timer.cancel()
            await each.broker.close()
        await asyncio.gather(*self._closing)

    async def _publish(self, access: Access, channel: Channel, message: Outgoing) -> None:
        if not PROTOCOLS[access.server.protocol].connected:
            broker = make_broker(access)
            try:
                return await broker.publish(channel, message)
            finally:
                await broker.close()
        known = self._kept.get(access)
        proved = known is not None and known.proved
        try:
            await self._publish_once(access, channel, message)
        except Faulted as error:
            if not proved or not is_lost(error):
                raise
            await self._publish_once(access, channel, message)
        return None

    async def _publish_once(self, access: Access, channel: Channel, message: Outgoing) -> None:
        kept = self._kept.get(access)
        if kept is None:
            kept = self._kept[access] = _Kept(make_broker(access))
        if kept.timer is not None:
            kept.timer.cancel()
            kept.timer = None
        kept.users += 1
        try:
            await kept.broker.publish(channel, message)
            kept.proved = True
        except BaseException:
            self._drop(access, kept)
            raise
        finally:
            kept.users -= 1
            self._rest(access, kept)

    def _rest(self, access: Access, kept: _Kept) -> None:
        """What nobody uses any more is closed: at once if it has failed, else after a while."""
        if kept.users:
            return
        if self._kept.get(access) is not kept:
            self._close(kept)
        else:
            kept.timer = asyncio.get_running_loop().call_later(self._idle_s, self._expire, access, kept)

    def _expire(self, access: Access, kept: _Kept) -> None:
        self._drop(access, kept)
        self._close(kept)

    def _drop(self, access: Access, kept: _Kept) -> None:
        if self._kept.get(access) is kept:
            del self._kept[access]

    def _close(self, kept: _Kept) -> None:
        task = asyncio.ensure_future(kept.broker.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
