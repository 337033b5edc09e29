"""The host: brings a service up and down in order: store, lease, restore, sweeping; and says whether it is ready."""

from __future__ import annotations

import asyncio
import logging
import os
import socket

from flowrt.core.instance import PENDING, RUNNING, SUSPENDED
from flowrt.core.signal import Cancel
from flowrt.runtime.clock import new_id, now
from flowrt.runtime.ending import ended
from flowrt.runtime.service import Service
from flowrt.runtime.worker import Worker
from flowrt.stores.protocol import Entry, StaleOwner, StoreUnavailable

log = logging.getLogger("flowrt.host")

LEASE_S = 8.0
SWEEP_S = 60.0
SWEEP_BATCH = 200
PAGE = 1000


class Host:
    """One process that owns the instances of an application."""

    def __init__(self, service: Service, auto_restore: bool = True) -> None:
        self.service = service
        self.worker: Worker = service.worker
        self.store = service.store
        self.auto_restore = auto_restore
        self.restored = 0
        self.restoring = True
        self.stopping = False
        self.store_reason: str | None = None
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{new_id()}"
        self._token = 0
        self._owned_at = 0.0
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Opens the store and becomes the owner. Raises what the store refuses."""
        await self.connect()
        await self.own()

    async def connect(self) -> None:
        """Opens the store. Raises `StoreRefused`, `StoreUnavailable`."""
        await self.store.open()

    async def own(self) -> None:
        """Becomes the owner; waits while another process is."""
        waited = False
        while True:
            token = await self.store.acquire(self._holder, LEASE_S)
            if token is not None:
                break
            if not waited:
                log.warning("another process owns application '%s'; waiting for its lease", self.service.application)
                waited = True
            await asyncio.sleep(LEASE_S / 10)
        self._token, self._owned_at = token, now()
        self.worker.start(token)
        self._tasks.append(asyncio.create_task(self._renew()))

    async def restore(self) -> None:
        """Brings back what had not ended: index entries for what waits, and into memory only what has work to do."""
        if self.auto_restore:
            await self._restore()
            await self.service.republish()
        self.worker.indexed.set()
        self.restoring = False
        self._tasks.append(asyncio.create_task(self._sweep()))

    async def _restore(self) -> None:
        after: str | None = None
        orphans: list[Entry] = []
        unfinished: set[str] = set()
        self.restored = 0
        while True:
            page = await self.store.unfinished(after, PAGE)
            for entry, subscriptions in page:
                unfinished.add(entry.id)
                if entry.started_at >= self._owned_at:
                    continue
                self.restored += 1
                # What moved here meanwhile has entries that are newer than this page.
                if entry.id not in self.worker.moved_early:
                    self.worker.index.put(entry.id, subscriptions)
                    if entry.status != SUSPENDED:
                        self.worker.timers.put(entry.id, entry.wake_at)
                if entry.status in (PENDING, RUNNING):
                    self.worker.activate(entry.id)
                if entry.parent is not None:
                    orphans.append(entry)
            if len(page) < PAGE:
                break
            after = page[-1][0].id
            await asyncio.sleep(0)
        self.worker.indexed.set()
        if self.restored:
            log.info("restored %d instances", self.restored)
        for entry in orphans:
            await self._check_child(entry, unfinished)

    async def _check_child(self, entry: Entry, unfinished: set[str]) -> None:
        """A child whose parent does not wait for it any more was to be cancelled when the process died."""
        if entry.parent in unfinished:
            parent = await self.worker.running(entry.parent)
            if parent is None or entry.id in parent.children.values():
                return
            self.worker.release(parent)
        self.worker.deliver(entry.id, Cancel())

    async def close(self, patience_s: float = 30.0) -> None:
        """Stops driving, writes what is there, gives the lease back."""
        self.stopping = True
        await ended(self._tasks)
        try:
            await asyncio.wait_for(self.worker.stop(), patience_s)
            if self._token:
                await self.store.release(self._token)
        except (TimeoutError, StoreUnavailable) as error:
            log.error("stopped without a last commit (%s); the next start restores", error or "no answer in time")
            self.worker.committer.abort()
        await self.store.close()

    @property
    def blocked(self) -> str | None:
        """Why nothing can be started or changed here, if so."""
        if self.stopping:
            return "stopping"
        if not self._token:
            return f"another process owns application '{self.service.application}'; waiting for its lease"
        return self.worker.fenced

    async def reasons(self) -> list[str]:
        """Why it is not ready, if so."""
        found = [self.blocked, "the restore is not done" if self.restoring else None, self.worker.committer.reason]
        reasons = [reason for reason in found if reason is not None]
        if not reasons:
            reason = await self.store.check()
            if reason is not None:
                reasons.append(reason)
        return reasons

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(LEASE_S / 3)
            try:
                if not await self.store.renew(self._token, LEASE_S):
                    self.worker.lose(StaleOwner("the lease was lost"))
                    return
            except StoreUnavailable as error:
                log.error("the lease could not be renewed: %s", error)

    async def _sweep(self) -> None:
        """Deletes ended instances whose time is over, in bounded batches, and forgets events that were kept for it."""
        while True:
            self.worker.offering.expire()
            try:
                await self.sweep()
            except StoreUnavailable as error:
                log.error("retention has to wait: %s", error)
            await asyncio.sleep(SWEEP_S)

    async def sweep(self) -> int:
        """One round of retention; how many instances went."""
        removed = 0
        for status, keep_s in self.service.retention.by_status.items():
            while keep_s is not None:
                # A moment's grace, so that a parent has taken the result of its child.
                ids = await self.store.expired(status, now() - max(keep_s, SWEEP_S), SWEEP_BATCH)
                ids = [id_ for id_ in ids if self.worker.peek(id_) is None]
                if not ids:
                    break
                removed += await self.store.delete(ids)
                await asyncio.sleep(0)
        await self.store.forget_seen(now())
        return removed
