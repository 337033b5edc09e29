"""Publishing: events on their way to those who listen: instances, callbacks of the process, watchers of one instance.

An event is known by source and id. It counts once: the mark of it is written in one commit with what it did. Whoever
offers it while it is on its way waits for the same commit.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from flowrt.core.instance import WORKFLOW, Fact, Instance
from flowrt.events.cloudevent import validate
from flowrt.runtime.clock import now
from flowrt.runtime.insisting import insist
from flowrt.runtime.lifecycle import lifecycle_events
from flowrt.runtime.worker import Worker
from flowrt.stores.protocol import Store

log = logging.getLogger("flowrt.publishing")
Json = Any

OnEvent = Callable[[dict[str, Json]], Any]


class Publishing:
    """Offers events from outside and from instances, and tells lifecycle events."""

    def __init__(self, store: Store, worker: Worker, application: str, dedupe_s: float) -> None:
        self.listeners: list[OnEvent] = []
        """Called back for every event emitted, lifecycle ones too."""
        self.offer_lifecycle = False
        """Whether `listen` hears lifecycle events."""
        self._store, self._worker = store, worker
        self._source = f"/flowrt/{application}"
        self._dedupe_s = dedupe_s
        self._watchers: dict[str, list[OnEvent]] = {}
        self._recent: dict[tuple[str, str], asyncio.Future[bool]] = {}
        worker.on_emitted = self._emitted
        worker.on_facts = self._tell
        worker.wants_facts = self._wants_facts

    def watch(self, id: str, callback: OnEvent) -> Callable[[], None]:
        """Calls back for every event of one instance; the function it gives ends that."""
        watchers = self._watchers.setdefault(id, [])
        watchers.append(callback)
        instance = self._worker.peek(id)
        if instance is not None and instance.facts is None:
            instance.facts = []

        def end() -> None:
            watchers.remove(callback)
            if not watchers:
                self._watchers.pop(id, None)

        return end

    async def publish(self, events: Sequence[Json]) -> int:
        """Offers events in their order; returns when all are durable: how many were new.

        Raises `InvalidEvent`: none was offered.
        """
        valid = {(event["source"], event["id"]): event for event in map(validate, events)}
        pending = [(event, self._recent[key]) for key, event in valid.items() if key in self._recent]
        own = [key for key in valid if key not in self._recent]
        accepted: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._recent.update(dict.fromkeys(own, accepted))
        try:
            seen = await self._store.seen(own)
            until = now() + self._dedupe_s
            marks = [await self._worker.offering.offer(valid[key], until) for key in own if key not in seen]
            await asyncio.gather(*marks)
            accepted.set_result(True)
        finally:
            for key in own:
                del self._recent[key]
            if not accepted.done():
                accepted.set_result(False)
        new = len(marks)
        for event, other in pending:
            # Whoever offered it at the same time may have failed.
            if not await asyncio.shield(other):
                new += await self.publish([event])
        return new

    async def republish(self) -> None:
        """Publishes what was emitted and not yet sent when the process died, and goes on keeping what was kept."""
        for event in await self._store.outbox():
            if not await self._worker.offering.restore(event):
                self._worker.spawn(self._send(event))

    def _wants_facts(self, id: str) -> bool:
        return bool(self.listeners or self.offer_lifecycle or id in self._watchers)

    def _emitted(self, event: dict[str, Json], id: str) -> None:
        for watcher in self._watchers.get(id, ()):
            watcher(event)
        self._worker.spawn(self._send(event))

    async def _send(self, event: dict[str, Json]) -> None:
        await self._insist_on(event)
        await self._call_back(event)
        self._worker.committer.sent(event["source"], event["id"])

    async def _insist_on(self, event: dict[str, Json]) -> None:
        await insist(f"event {event['id']} of {event['source']}", lambda: self.publish([event]))

    def _tell(self, instance: Instance, facts: Sequence[Fact]) -> None:
        watchers = self._watchers.get(instance.id, ())
        if instance.role != WORKFLOW or not (watchers or self.listeners or self.offer_lifecycle):
            return
        for event in lifecycle_events(instance, list(facts), self._source):
            for watcher in watchers:
                watcher(event)
            if self.listeners:
                self._worker.spawn(self._call_back(event))
            if self.offer_lifecycle:
                self._worker.spawn(self._insist_on(event))

    async def _call_back(self, event: dict[str, Json]) -> None:
        for callback in self.listeners:
            try:
                answer = callback(event)
                if asyncio.iscoroutine(answer):
                    await answer
            except Exception:  # A callback is the user's own code.
                log.exception("a listener failed on %s", event.get("type"))
