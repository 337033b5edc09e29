"""Natural group commit: while one flush is in flight, the next batch collects; no timer.

Whatever is added between two flushes is in one atomic batch. A flush that the store does not confirm is repeated with
backoff until it is, and nothing else is written meanwhile: progress stops visibly (`reason`).
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from flowrt.core.instance import Instance
from flowrt.stores.protocol import Batch, Checkpoint, StaleOwner, Store, StoreUnavailable

log = logging.getLogger("flowrt.commit")

MOST_INSTANCES = 256
LONGEST_BACKOFF_S = 5.0


@dataclass(slots=True)
class _Dirty:
    instance: Instance
    waiting: list[asyncio.Future[None]] = field(default_factory=list)


class Committer:
    """The one writer of a process."""

    def __init__(
        self,
        store: Store,
        take: Callable[[Instance], Checkpoint],
        covered: Callable[[Instance, Checkpoint], None],
        broken: Callable[[Instance, Exception], None],
        lost: Callable[[StaleOwner], None],
    ) -> None:
        self.store = store
        self.token = 0
        self.reason: str | None = None
        """Why nothing is written right now, if so."""
        self.flushes = 0
        self.flush_s = 0.0
        """Seconds that the flushes have taken, together."""
        self.checkpoints = 0
        self._take, self._covered, self._broken, self._lost = take, covered, broken, lost
        self._dirty: dict[str, _Dirty] = {}
        self._flying: frozenset[str] = frozenset()
        """The instances whose changes are with the store right now."""
        self._seen: list[tuple[str, str, float]] = []
        self._sent: list[tuple[str, str]] = []
        self._outbox: list[dict[str, Any]] = []
        self._marks: list[asyncio.Future[None]] = []
        self._whole = False
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    def start(self) -> None:
        """Begins to write."""
        self._task = asyncio.create_task(self._run(), name="flowrt-commit")

    async def stop(self) -> None:
        """Writes what has been added, then ends."""
        self._stopping = True
        self._wake.set()
        if self._task is not None:
            await self._task

    def abort(self) -> None:
        """Ends at once; what has not been written is left to the next owner."""
        if self._task is not None:
            self._task.cancel()

    def add(self, instance: Instance, waiting: Iterable[asyncio.Future[None]] = ()) -> None:
        """The instance has changed; the futures are done when everything it has done so far is durable."""
        dirty = self._dirty.get(instance.id)
        if dirty is None:
            dirty = self._dirty[instance.id] = _Dirty(instance)
            self._wake.set()
        dirty.waiting.extend(waiting)

    def is_dirty(self, id_: str) -> bool:
        """Whether it has changes that are not durable yet."""
        return id_ in self._dirty or id_ in self._flying

    def flushed(self, instance: Instance) -> asyncio.Future[None]:
        """Is done when everything the instance has done so far is durable."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.add(instance, [future])
        return future

    def whole(self) -> None:
        """The next flush takes everything that has been added, however much: it is one atomic batch."""
        self._whole = True

    def mark(self, source: str, id_: str, until: float) -> asyncio.Future[None]:
        """Marks an event as accepted, in one batch with every change added before; done when that is durable."""
        self._seen.append((source, id_, until))
        self.whole()
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._marks.append(future)
        self._wake.set()
        return future

    def put_out(self, event: dict[str, Any]) -> None:
        """Puts an event into the outbox, in one batch with every change added before."""
        self._outbox.append(event)
        self.whole()
        self._wake.set()

    def sent(self, source: str, id_: str) -> None:
        """An event of the outbox was published."""
        self._sent.append((source, id_))
        self._wake.set()

    async def _run(self) -> None:
        while True:
            if not (self._dirty or self._seen or self._sent or self._outbox):
                if self._stopping:
                    return
                self._wake.clear()
                await self._wake.wait()
                continue
            taken, batch, waiting = self._collect()
            if not await self._write(batch, taken):
                return
            self.checkpoints += len(taken)
            self._flying = frozenset()
            for dirty, checkpoint in taken:
                self._covered(dirty.instance, checkpoint)
            for future in (*waiting, *(future for dirty, _ in taken for future in dirty.waiting)):
                if not future.done():
                    future.set_result(None)

    def _collect(self) -> tuple[list[tuple[_Dirty, Checkpoint]], Batch, list[asyncio.Future[None]]]:
        ids = list(self._dirty) if self._whole else list(self._dirty)[:MOST_INSTANCES]
        taken = []
        waiting = self._marks
        for id_ in ids:
            dirty = self._dirty.pop(id_)
            taken.append((dirty, self._take(dirty.instance)))
        batch = Batch([checkpoint for _, checkpoint in taken], self._seen, self._sent, self._outbox)
        self._flying = frozenset(ids)
        self._seen, self._sent, self._outbox, self._marks, self._whole = [], [], [], [], False
        return taken, batch, waiting

    async def _write(self, batch: Batch, taken: list[tuple[_Dirty, Checkpoint]]) -> bool:
        attempt, began = 0, time.perf_counter()
        while True:
            try:
                await self.store.commit(batch, self.token)
                self.flushes += 1
                self.flush_s += time.perf_counter() - began
                if self.reason is not None:
                    log.warning("the store is back after %d attempts", attempt)
                self.reason = None
                return True
            except StaleOwner as error:
                if not error.instances:
                    self.reason = str(error)
                    self._lost(error)
                    return False
                self._leave_out(batch, taken, dict.fromkeys(error.instances, error))
            except Exception as error:  # Whatever a store raises, what can be written is tried again.
                unwritable = {} if isinstance(error, StoreUnavailable) else _unwritable(batch)
                if unwritable:
                    self._leave_out(batch, taken, unwritable)
                    continue
                self.reason = str(error) or type(error).__name__
                attempt += 1
                delay = min(LONGEST_BACKOFF_S, 0.05 * 2 ** min(attempt, 10)) * (0.5 + random.random() / 2)
                log.error("the store does not take a commit (attempt %d, next in %.2f s): %r", attempt, delay, error)
                await asyncio.sleep(delay)

    def _leave_out(self, batch: Batch, taken: list[tuple[_Dirty, Checkpoint]], why: Mapping[str, Exception]) -> None:
        """Takes instances out of a batch that can never be written, so that the others can."""
        for dirty, checkpoint in list(taken):
            error = why.get(dirty.instance.id)
            if error is None:
                continue
            taken.remove((dirty, checkpoint))
            batch.checkpoints.remove(checkpoint)
            for future in dirty.waiting:
                if not future.done():
                    future.set_exception(error)
            self._broken(dirty.instance, error)


def _unwritable(batch: Batch) -> dict[str, Exception]:
    """The checkpoints that hold what is no JSON, and what that is."""
    found: dict[str, Exception] = {}
    for checkpoint in batch.checkpoints:
        pieces = list(checkpoint.live.values())
        try:
            orjson.dumps([checkpoint.head, checkpoint.fields, pieces, checkpoint.history, checkpoint.outbox])
        except (TypeError, ValueError) as error:
            found[checkpoint.entry.id] = error
    return found
