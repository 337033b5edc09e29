"""Prints how many tasks a second become durable on each store, and how long a commit takes: workflows of 100 tasks.

The embedded runtime drives 1, 16, 64 and 256 instances at any time; each counts when its end is durable.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.peers.work import set_tasks
from benchmarks.stores import SERVERS, quantiles, urls
from flowrt import Runtime
from flowrt.config.model import Config, Storage
from flowrt.stores.protocol import Batch, Store

TASKS = 100
INSTANCES = (1, 16, 64, 256)
STORES = ("memory", "file", "sqlite", *SERVERS)


@dataclass(frozen=True, slots=True)
class Durable:
    """What one store makes durable with so many instances at a time."""

    store: str
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


async def rates(label: str, url: str, seconds: float) -> list[Durable]:
    """The figures of one store."""
    config = Config(storage=Storage(url=url, migrate_at_start=True))
    async with Runtime(store=None, config=config) as runtime:
        committer = runtime.assembly.worker.committer
        timed = TimedCommits(committer.store)
        committer.store = timed
        name = runtime.deploy(set_tasks(TASKS)).id
        await (await runtime.start(name, {"n": 0})).result()
        measured = []
        for instances in INSTANCES:
            timed.taken.clear()
            rate = await _rate(runtime, name, instances, seconds)
            measured.append(Durable(label, instances, rate, *quantiles(timed.taken)))
        return measured


async def _rate(runtime: Runtime, name: str, instances: int, seconds: float) -> float:
    ended = 0
    began = time.perf_counter()

    async def client() -> None:
        nonlocal ended
        while time.perf_counter() < began + seconds:
            await (await runtime.start(name, {"n": 0})).result()
            ended += 1

    await asyncio.gather(*(client() for _ in range(instances)))
    return TASKS * ended / (time.perf_counter() - began)


def everything(names: Sequence[str], seconds: float) -> Iterator[Durable]:
    """The figures of the named stores."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        for name in names:
            for label, url in urls([name], Path(folder), running):
                yield from asyncio.run(rates(label, "memory://" if name == "memory" else url, seconds))


def main() -> None:
    """Prints everything."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.durable", description=__doc__)
    parser.add_argument("stores", nargs="*", default=STORES, help=f"of {', '.join(STORES)}; or URLs")
    parser.add_argument("--seconds", type=float, default=3, help="of each measurement")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    given = parser.parse_args()
    for each in everything(given.stores, given.seconds):
        commit = f"commit p50 {each.commit_p50_ms:.2f} ms, p99 {each.commit_p99_ms:.2f} ms"
        text = f"{each.store:14}{each.instances:>5} instances {each.tasks_per_s:>10,.0f} tasks/s  {commit}"
        print(json.dumps(asdict(each)) if given.json else text, flush=True)


if __name__ == "__main__":
    main()
