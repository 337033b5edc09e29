"""The service: the verbs that the Python API, the HTTP API and the command line share."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from flowrt.compiler import InvalidDefinition, Located
from flowrt.core.definition import WorkflowDefinition
from flowrt.core.instance import ENDED, FAULTED, WORKFLOW, Instance
from flowrt.core.records import Stored
from flowrt.core.signal import Cancel, Resume, Signal, Suspend
from flowrt.runtime.definitions import Definitions
from flowrt.runtime.description import describe, describe_entry, describe_stored
from flowrt.runtime.perform import Perform
from flowrt.runtime.publishing import OnEvent, Publishing
from flowrt.runtime.refusals import Conflict, UnknownInstance, missing
from flowrt.runtime.schedules import Schedules
from flowrt.runtime.starting import Starting
from flowrt.runtime.worker import Worker
from flowrt.stores.protocol import BrokenEntry, Page, Query, Store

log = logging.getLogger("flowrt.service")
Json = Any

SIGNALS: dict[str, type[Suspend | Resume | Cancel]] = {"suspend": Suspend, "resume": Resume, "cancel": Cancel}


@dataclass(frozen=True, slots=True)
class Retention:
    """Seconds an ended instance is kept, by status; None: for ever."""

    by_status: Mapping[str, float | None] = field(
        default_factory=lambda: {"completed": 7 * 86400.0, "faulted": 30 * 86400.0, "cancelled": 7 * 86400.0}
    )


class Service:
    """Deploys, starts, finds, controls; publishes events."""

    def __init__(
        self,
        store: Store,
        worker: Worker,
        definitions: Definitions,
        perform: Perform,
        application: str,
        dedupe_s: float = 86400.0,
        retention: Retention | None = None,
    ) -> None:
        self.store, self.worker, self.definitions = store, worker, definitions
        self.application = application
        self.retention = retention or Retention()
        self._perform = perform
        self.publishing = Publishing(store, worker, application, dedupe_s)
        self.schedules = Schedules(store, worker, definitions)
        self.starting = Starting(store, worker, definitions, application)
        self._rescheduling: set[asyncio.Task[None]] = set()
        """Schedules that are about to begin or to end: events wait for them."""
        worker.on_ended.append(self._ended)

    # Definitions

    async def deploy(
        self, text: str | bytes, file: str | None = None, base_uri: str | None = None, keep: bool = False
    ) -> WorkflowDefinition:
        """Serves a definition from now on. `keep`: after a restart, too. Raises `InvalidDefinition`."""
        definition = await self.compile(text, file, base_uri)
        if keep or definition.schedule is not None:
            await self.definitions.keep(definition, deployed=keep)
        await self._reschedule(definition, self.definitions.deploy(definition))
        return definition

    def serve(self, definition: WorkflowDefinition) -> None:
        """Serves a compiled definition from now on; its schedule begins as soon as the event loop turns."""
        replaced = self.definitions.deploy(definition)
        if definition.schedule is not None or replaced is not None:
            task = self.worker.spawn(self._reschedule(definition, replaced))
            self._rescheduling.add(task)
            task.add_done_callback(self._rescheduling.discard)

    async def _reschedule(self, definition: WorkflowDefinition, replaced: WorkflowDefinition | None) -> None:
        if replaced is not None:
            await self.schedules.end(replaced)
            await self.definitions.keep(replaced, deployed=False)
        await self.schedules.begin(definition)

    async def compile(
        self, text: str | bytes, file: str | None = None, base_uri: str | None = None
    ) -> WorkflowDefinition:
        """Compiles a definition and asks the adapters. Raises `InvalidDefinition`."""
        definition = await self.definitions.compile(text, file, base_uri)
        problems = await self._perform.check(definition)
        if problems:
            raise InvalidDefinition([Located(problem, file) for problem in problems])
        return definition

    async def undeploy(self, definition: WorkflowDefinition) -> None:
        """Serves it no more; what runs goes on."""
        if self.definitions.undeploy(definition):
            await self.definitions.keep(definition, deployed=False)
            await self.schedules.end(definition)

    # Instances

    async def get(self, id: str) -> dict[str, Json]:
        """Everything about an instance, as far as it is durable: who acts on it must not be told what a crash undoes.

        Raises `UnknownInstance`.
        """
        instance = self.worker.at_rest(id)
        if instance is not None:
            described = describe(instance)
            await self.worker.durable_now(id)
            return described
        if id in self.worker.aside:
            return {"id": id, "status": "aside", "reason": self.worker.aside[id]}
        found = (await self.store.load([id])).get(id)
        if isinstance(found, BrokenEntry):
            return {"id": id, "status": "aside", "reason": found.reason}
        if not isinstance(found, Stored):
            raise UnknownInstance(f"there is no instance {id}")
        return describe_stored(found, await self.definitions.pinned(str(found.head.get("digest"))))

    async def result(self, id: str, timeout: float | None = None) -> Instance:
        """The instance once it has ended. Raises `UnknownInstance`, `TimeoutError`."""
        recent = self.worker.results.recent(id)
        if recent is not None:
            return recent
        future = self.worker.results.wait(id)
        try:
            running = await self.worker.running(id)
            if running is None:
                raise UnknownInstance(f"there is no instance {id}")
            self.worker.release(running)
            if running.instance.ended and not self.worker.committer.is_dirty(id):
                return running.instance
            return await asyncio.wait_for(future, timeout)
        finally:
            self.worker.results.forget(id, future)

    async def list(self, query: Query) -> Page:
        """Instances, newest first; those of excluded workflows come from memory."""
        page = await self.store.find(query)
        if query.cursor is not None:
            return page
        volatile = [describe_entry(instance) for instance in self.worker.in_memory()]
        return replace(page, items=[*(entry for entry in volatile if query.matches(entry)), *page.items])

    async def history(self, id: str) -> Sequence[Json]:
        """The completed tasks of an instance. Raises `UnknownInstance`."""
        await self.get(id)
        return await self.store.history(id)

    async def control(self, id: str, verb: str) -> str:
        """Suspends, resumes, cancels or retries; returns the new status when it is durable.

        Raises `UnknownInstance`, `Conflict`. Suspending the suspended, resuming the running and cancelling the
        cancelled is fine and changes nothing.
        """
        instance = await self._controlled(id, verb)
        if instance is None:
            raise missing(self.worker.aside, id)
        return instance.status

    async def _controlled(self, id: str, verb: str) -> Instance | None:
        if verb == "retry":
            before = await self.worker.running(id)
            if before is not None and before.instance.status != FAULTED:
                self.worker.release(before)
                raise Conflict(f"{id} is {before.instance.status}; only a faulted instance can be retried")
            return await self.worker.retry(id)
        known = await self.worker.running(id)
        if known is not None and known.instance.ended:
            status = known.instance.status
            if verb == "cancel" and status == "cancelled":
                return known.instance
            raise Conflict(f"{id} is {status}; it cannot {verb} any more")
        signal: Signal = SIGNALS[verb]()
        return await self.worker.command(id, signal)

    async def delete(self, id: str) -> None:
        """Removes an ended instance. Raises `UnknownInstance`, `Conflict` while it has not ended."""
        found = await self.get(id)
        if found["status"] not in (*ENDED, "aside"):
            raise Conflict(f"{id} is {found['status']}; cancel it first")
        await self.store.delete([id])
        self.worker.aside.pop(id, None)

    # Events

    def on_event(self, callback: OnEvent) -> None:
        """Calls back for every event emitted, lifecycle ones too."""
        self.publishing.listeners.append(callback)

    def watch(self, id: str, callback: OnEvent) -> Callable[[], None]:
        """Calls back for every event of one instance; the function it gives ends that."""
        return self.publishing.watch(id, callback)

    async def publish(self, event: Json) -> bool:
        """Offers an event to all that listen; returns when that is durable. False: it was accepted before.

        Raises `InvalidEvent`.
        """
        return await self.publish_all([event]) == 1

    async def publish_all(self, events: Sequence[Json]) -> int:
        """Offers events in their order; returns when all are durable: how many were new.

        Raises `InvalidEvent`: none was offered.
        """
        if self._rescheduling:
            await asyncio.wait(self._rescheduling)
        return await self.publishing.publish(events)

    async def republish(self) -> None:
        """Publishes what was emitted and not yet sent when the process died."""
        await self.publishing.republish()

    def _ended(self, instance: Instance) -> None:
        # 0 means removed at once; everything else is the sweeper's.
        if self.retention.by_status.get(instance.status) == 0 and instance.parent is None and instance.role == WORKFLOW:
            self.worker.spawn(self.store.delete([instance.id]))
