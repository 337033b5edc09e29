"""Prints what each store makes durable: records a second and the time of a commit, beside what the disk itself takes.

`python -m benchmarks.stores` measures the stores that this machine has servers for; names of stores or URLs choose
others: `python -m benchmarks.stores file redis-always postgresql://me@host/flowrt`.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from flowrt.assemble import make_store
from flowrt.bench import fsync_floor, quantiles
from flowrt.config.model import Config, Storage
from flowrt.stores.protocol import Batch, Checkpoint, Entry, Store
from tests.servers import Server
from tests.servers.mariadb import MariaDB
from tests.servers.postgres import Postgres
from tests.servers.redis import Redis

INSTANCES = (1, 16, 64, 256)
RECORDS = (1, 10, 100)
"""Completed tasks of each instance in one commit."""
SECONDS = 1.0
FSYNC_SIZES = (4096, 262_144)
SERVERS: dict[str, Callable[[], Server]] = {
    "redis": Redis,
    "redis-always": lambda: Redis(append_fsync="always"),
    "postgresql": Postgres,
    "mariadb": MariaDB,
}
DEFAULT = ("file", "sqlite", *SERVERS)


def record(number: int) -> dict[str, Any]:
    """A completed task of the usual size, some 250 bytes."""
    return {
        "position": f"/do/{number}/task{number}",
        "name": f"task{number}",
        "kind": "set",
        "iteration": 0,
        "attempt": 0,
        "started_at": 1_700_000_000.25 + number,
        "ended_at": 1_700_000_000.5 + number,
        "output": {"id": number, "customer": "x" * 40, "lines": [1, 2, 3]},
        "next": f"/do/{number + 1}/task{number + 1}",
    }


def checkpoint(run: str, number: int, revision: int, records: int) -> Checkpoint:
    """One commit's worth of a running instance: its head, one live state that moves, and its completed tasks."""
    id_ = f"{run}-{number:04}"
    entry = Entry(id_, "bench", "chain", "1.0.0", "0" * 64, "workflow", "running", 1_700_000_000.0 + number)
    head = {"format": 1, "id": id_, "namespace": "bench", "name": "chain", "version": "1.0.0", "digest": "0" * 64}
    head |= {"role": "workflow", "status": "running", "revision": revision, "sequence": revision, "tags": {}}
    fixed = {"sequence": 1, "input": {"n": number}} if revision == 1 else None
    live = {("/do", 0): (fixed, {"attempt": 0, "entered": True, "memory": revision})}
    history = [("", record(each)) for each in range(records)]
    fields = {"input": {"n": number}} if revision == 1 else {}
    return Checkpoint(entry, revision, head, fields, live, history, subscriptions=[] if revision == 1 else None)


async def commits(store: Store, token: int, instances: int, records: int) -> list[float]:
    """How long each commit took, for `SECONDS` of committing."""
    run, revision, taken = f"{instances}x{records}", 0, []
    while sum(taken) < SECONDS:
        revision += 1
        batch = Batch([checkpoint(run, number, revision, records) for number in range(instances)])
        began = time.perf_counter()
        await store.commit(batch, token)
        taken.append(time.perf_counter() - began)
    return taken


async def measure(name: str, store: Store) -> None:
    await store.open()
    try:
        token = await store.acquire("bench", 3600)
        if token is None:
            sys.exit(f"{name}: another process has the lease; stop it, or name another store")
        print(f"\n{name}\n  instances  records each   records/s   commits/s   p50 ms   p99 ms")
        for records in RECORDS:
            for instances in INSTANCES:
                taken = await commits(store, token, instances, records)
                rate = len(taken) / sum(taken)
                p50, p99 = quantiles(taken)
                line = f"{instances:>11}{records:>14}{rate * instances * records:>12,.0f}{rate:>12,.0f}"
                print(f"{line}{p50:>9.2f}{p99:>9.2f}", flush=True)
                await store.delete([f"{instances}x{records}-{number:04}" for number in range(instances)])
        await store.release(token)
    finally:
        await store.close()


def urls(names: Sequence[str], folder: Path, running: ExitStack) -> Iterator[tuple[str, str]]:
    """A URL for each name, with the server behind it started."""
    for name in names:
        if name in SERVERS:
            server = SERVERS[name]()
            reason = server.unavailable()
            if reason is not None:
                print(f"\n{name} is left out: {reason}")
                continue
            running.callback(server.stop)
            server.start(folder / name)
            yield name, server.url
        else:
            local = {"file": f"file://{folder}/file", "sqlite": f"sqlite:///{folder}/flowrt.db"}
            yield name.rpartition("@")[2], local.get(name, name)


def main() -> None:
    with tempfile.TemporaryDirectory() as name, ExitStack() as running:
        folder = Path(name)
        for size in FSYNC_SIZES:
            p50, p99 = fsync_floor(folder, size)
            print(f"the disk: write and fsync of {size // 1024} KB: p50 {p50:.2f} ms, p99 {p99:.2f} ms")
        for label, url in urls(sys.argv[1:] or DEFAULT, folder, running):
            config = replace(Config(), storage=Storage(url=url, migrate_at_start=True))
            asyncio.run(measure(label, make_store(config)))


if __name__ == "__main__":
    main()
