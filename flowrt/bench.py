"""The benchmark: how many tasks a second a store makes durable on this machine, and how long a commit takes.

It runs workflows of `set` tasks, each with an expression on the one before, so many instances at any time; an instance
counts when its end is durable. What it has started it deletes.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowrt.config.model import Config
from flowrt.python import Runtime
from flowrt.stores.protocol import Batch, Store

INSTANCES = (1, 16, 64, 256)
FSYNC_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Durable:
    """What a store makes durable with so many instances at a time."""

    instances: int
    tasks_per_s: float
    commit_p50_ms: float
    commit_p99_ms: float


class TimedCommits:
    """A store whose commits are timed; everything else is the store's own."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.taken: list[float] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def commit(self, batch: Batch, token: int) -> None:
        began = time.perf_counter()
        await self._store.commit(batch, token)
        self.taken.append(time.perf_counter() - began)


def workflow(tasks: int) -> str:
    """So many `set` tasks in sequence, as `bench:chain`."""
    head = "document: {dsl: '1.0.3', namespace: bench, name: chain, version: '1.0.0'}\ndo:\n"
    return head + "".join(f"- t{number}: {{set: {{n: '${{ .n + 1 }}'}}}}\n" for number in range(tasks))


async def measure(
    config: Config, seconds: float, tasks: int, at_once: Sequence[int] = INSTANCES
) -> AsyncIterator[Durable]:
    """The figures of the configured store, one for each number of instances. Raises what the store raises."""
    async with Runtime(store=None, config=config) as runtime:
        committer = runtime.assembly.worker.committer
        committer.store = timed = TimedCommits(committer.store)
        definition = await runtime.assembly.service.compile(workflow(tasks))
        runtime.assembly.service.serve(definition)
        first = await runtime.start(definition.id, {"n": 0})
        await first.result()
        ids = [first.id]
        for instances in at_once:
            await _delete(runtime, ids)
            timed.taken.clear()
            ids = []
            rate = await _rate(runtime, definition.id, instances, seconds, ids)
            yield Durable(instances, tasks * rate, *quantiles(timed.taken))
        await _delete(runtime, ids)


async def _delete(runtime: Runtime, ids: Sequence[str]) -> None:
    for first in range(0, len(ids), 1000):
        await runtime.assembly.store.delete(ids[first : first + 1000])


async def _rate(runtime: Runtime, name: str, instances: int, seconds: float, ids: list[str]) -> float:
    """Instances that ended, a second."""
    began = time.perf_counter()

    async def client() -> None:
        while time.perf_counter() < began + seconds:
            handle = await runtime.start(name, {"n": 0})
            ids.append(handle.id)
            await handle.result()

    await asyncio.gather(*(client() for _ in range(instances)))
    return len(ids) / (time.perf_counter() - began)


def quantiles(seconds: Sequence[float]) -> tuple[float, float]:
    """p50 and p99 in milliseconds."""
    cuts = statistics.quantiles(seconds, n=100) if len(seconds) > 1 else [seconds[0] if seconds else 0.0] * 99
    return cuts[49] * 1000, cuts[98] * 1000


def fsync_floor(folder: Path, size: int = FSYNC_BYTES) -> tuple[float, float]:
    """p50 and p99 (ms) of appending so many bytes to a file in `folder` and waiting until the disk has them."""
    taken = []
    data = os.urandom(size)
    path = folder / "floor"
    with path.open("wb", buffering=0) as file:
        for _ in range(100):
            began = time.perf_counter()
            file.write(data)
            os.fsync(file.fileno())
            taken.append(time.perf_counter() - began)
    path.unlink()
    return quantiles(taken)
