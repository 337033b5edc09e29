"""Checking: finds what nothing will ever wake, what cannot be read, and what belongs to nobody; repairs what it can."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from flowrt.core.definition import WorkflowDefinition
from flowrt.core.instance import Instance
from flowrt.core.machine import Machine
from flowrt.core.records import BrokenRecord, restore
from flowrt.core.signal import Cancel
from flowrt.runtime.checkpoint import entry_of, take_checkpoint
from flowrt.runtime.clock import now
from flowrt.stores.protocol import Batch, BrokenEntry, Entry, Store

PAGE = 500


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with one instance, and what was, or can be, done."""

    id: str
    what: str
    remedy: str
    repaired: bool = False


class Check:
    """One round over all instances that have not ended."""

    def __init__(
        self,
        store: Store,
        machine: Machine,
        pinned: Callable[[str], Awaitable[WorkflowDefinition | None]],
        token: int | None = None,
    ) -> None:
        """With `token` (the owner's) it repairs; without it only looks."""
        self._store, self._machine, self._pinned, self._token = store, machine, pinned, token

    async def run(self) -> AsyncIterator[Finding]:
        """Every finding, instance by instance."""
        after: str | None = None
        while page := await self._store.unfinished(after, PAGE):
            for entry, subscriptions in page:
                async for finding in self._one(entry, list(subscriptions)):
                    yield finding
            after = page[-1][0].id

    async def _one(self, entry: Entry, subscriptions: list[object]) -> AsyncIterator[Finding]:
        stored = (await self._store.load([entry.id])).get(entry.id)
        if stored is None:
            yield Finding(entry.id, "the index names an instance that is not there", "delete it")
            return
        if isinstance(stored, BrokenEntry):
            yield Finding(
                entry.id, f"the record cannot be read: {stored.reason}", "restore it from a backup, or delete it"
            )
            return
        definition = await self._pinned(str(stored.head.get("digest")))
        if definition is None:
            yield Finding(entry.id, f"its definition {entry.namespace}:{entry.name} is gone", "deploy it, or delete it")
            return
        try:
            instance = restore(stored, definition)
        except BrokenRecord as error:
            yield Finding(entry.id, str(error), "restore it from a backup, or delete it")
            return
        async for finding in self._of(instance, entry, subscriptions):
            yield finding

    async def _of(self, instance: Instance, entry: Entry, subscriptions: list[object]) -> AsyncIterator[Finding]:
        if self._stuck(instance):
            yield Finding(instance.id, "nothing will ever wake it", "cancel it", await self._cancel(instance))
        elif entry.parent is not None and await self._abandoned(entry):
            yield Finding(
                instance.id,
                f"its parent {entry.parent} is gone or has ended",
                "cancel it",
                await self._cancel(instance),
            )
        elif entry_of(instance) != entry or self._machine.subscriptions(instance, now()) != subscriptions:
            yield Finding(
                instance.id, "the index does not say what the record says", "write it anew", await self._write(instance)
            )

    @staticmethod
    def _stuck(instance: Instance) -> bool:
        waits = instance.ready or instance.effects_wanted() or instance.listeners() or instance.suspended
        return not waits and instance.wake_at() is None

    async def _abandoned(self, entry: Entry) -> bool:
        assert entry.parent is not None
        stored = (await self._store.load([entry.parent])).get(entry.parent)
        if stored is None or isinstance(stored, BrokenEntry):
            return stored is None
        return stored.head.get("status") in ("completed", "faulted", "cancelled")

    async def _cancel(self, instance: Instance) -> bool:
        if self._token is None:
            return False
        self._machine.advance(instance, Cancel(), now())
        return await self._write(instance)

    async def _write(self, instance: Instance) -> bool:
        if self._token is None:
            return False
        instance.changes.listeners = instance.changes.head = True
        await self._store.commit(Batch([take_checkpoint(instance, self._machine, now())]), self._token)
        return True
