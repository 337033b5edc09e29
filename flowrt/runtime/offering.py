"""Offering: events on their way to instances; what none of them takes is kept for those that listen later.

A kept event stands in the outbox, in an envelope of ours, from the commit that accepts it until the one that holds what
an instance made of it, or until its time is over. It goes to the first that takes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flowrt.core.definition import Subscription
from flowrt.core.signal import Arrived
from flowrt.runtime.clock import now
from flowrt.runtime.index import EventIndex, EventKey, key_of

if TYPE_CHECKING:
    from flowrt.runtime.worker import Worker

Json = Any
SOURCE, TYPE = "/flowrt/kept", "io.flowrt.kept.v1"
"""Of the envelopes."""


class Offering:
    """Offers events to a worker's instances."""

    def __init__(self, worker: Worker) -> None:
        self.lookback_s = 0.0
        """How long an event that nobody takes is kept; 0: not at all."""
        self._worker = worker
        self._kept: dict[EventKey, tuple[dict[str, Json], float]] = {}
        """Each with the time until when."""
        self._events = EventIndex(worker.index)
        self._taken: dict[EventKey, bool] = {}
        """Of the events being offered, whether an instance has taken it."""
        self._one = asyncio.Lock()

    async def offer(self, event: dict[str, Json], until: float) -> asyncio.Future[None]:
        """Offers an event to every instance that listens; the future is done when that, and its mark, is durable."""
        await self._worker.indexed.wait()
        if not await self._take(event) and self.lookback_s:
            kept_until = now() + self.lookback_s
            self._keep(event, kept_until)
            self._worker.committer.put_out(_enveloped(event, kept_until))
        return self._worker.committer.mark(event["source"], event["id"], until)

    def listening(self, id_: str, subscriptions: Sequence[Subscription]) -> None:
        """An instance listens for something else than before: what has been kept for it is offered."""
        if self._kept and any(self._events.matches(subscription) for subscription in subscriptions):
            self._worker.spawn(self._look_back(id_, subscriptions))

    def heard(self, event: dict[str, Json]) -> None:
        """An instance has taken an event, and its changes are on their way into a commit."""
        key = key_of(event)
        if key in self._taken:
            self._taken[key] = True
        if key in self._kept:
            self._forget(event)

    async def restore(self, envelope: dict[str, Json]) -> bool:
        """Goes on keeping an event that was kept when the process died; False: it is no envelope."""
        data = envelope.get("data")
        ours = envelope["source"] == SOURCE and envelope.get("type") == TYPE
        if not ours or not isinstance(data, dict) or data.keys() != {"event", "until"}:
            return False
        event, until = data["event"], data["until"]
        self._keep(event, until)
        if until <= now():
            self._forget(event)
        else:
            # Who began to listen before the crash may not have been asked.
            for id_ in self._worker.index.matches(event):
                await self._hand_over(event, id_)
        return True

    def expire(self) -> None:
        """Forgets what has been kept long enough."""
        at = now()
        for event in [event for event, until in self._kept.values() if until <= at]:
            self._forget(event)

    async def _take(self, event: dict[str, Json]) -> bool:
        """Offers it to all that listen; whether anyone has taken it."""
        key, ids, asked = key_of(event), self._worker.index.matches(event), set[str]()
        self._taken[key] = False
        while ids:
            asked.update(ids)
            for running in [running for id_ in ids if (running := await self._worker.running(id_)) is not None]:
                await self._worker.give(running, Arrived(event))
            if self._taken[key] or not self.lookback_s:
                break
            # Before it is kept: who has begun to listen meanwhile would not be told of it any more.
            ids = [id_ for id_ in self._worker.index.matches(event) if id_ not in asked]
        return self._taken.pop(key)

    async def _look_back(self, id_: str, subscriptions: Sequence[Subscription]) -> None:
        found = {key_of(event): event for each in subscriptions for event in self._events.matches(each)}
        for event in found.values():
            await self._hand_over(event, id_)

    async def _hand_over(self, event: dict[str, Json], id_: str) -> None:
        # One after the other: an event that two listen for goes to one of them.
        async with self._one:
            _, until = self._kept.get(key_of(event), (event, 0.0))
            if until <= now() or id_ not in self._worker.index:
                return
            running = await self._worker.running(id_)
            if running is not None:
                await self._worker.give(running, Arrived(event))

    def _keep(self, event: dict[str, Json], until: float) -> None:
        self._kept[key_of(event)] = (event, until)
        self._events.put(event)

    def _forget(self, event: dict[str, Json]) -> None:
        del self._kept[key_of(event)]
        self._events.remove(event)
        # With the changes of who has taken it.
        self._worker.committer.whole()
        self._worker.committer.sent(SOURCE, _id(event))


def _enveloped(event: dict[str, Json], until: float) -> dict[str, Json]:
    data = {"event": event, "until": until}
    return {"specversion": "1.0", "source": SOURCE, "type": TYPE, "id": _id(event), "data": data}


def _id(event: dict[str, Json]) -> str:
    return " ".join(key_of(event))
