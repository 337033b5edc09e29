"""Prints what instances cost that only wait: the time of their restore, their memory, and an event among them.

One process starts them all; another, fresh, restores them and is measured, so that nothing of the starts is in it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.engine import WAITING
from benchmarks.stores import SERVERS, urls
from flowrt import Runtime
from flowrt.config.model import Config, Storage

STORES = ("file", "sqlite", *SERVERS)
AT_ONCE = 1000
EVENTS = 50
WITHIN_S = 120


class WaitingFailed(Exception):
    """What could not be measured."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """The figures of so many waiting instances on one store."""

    store: str
    count: int
    started_per_s: float
    restore_s: float
    bytes_each: float
    memory_mb: float
    """Of the whole process; without the pages of mapped files, which the system takes back when it needs them."""
    mapped_mb: float
    event_ms: float
    """From an event to the durable end of the one instance that waited for it, the median."""


def memory(kind: str) -> int:
    """Bytes of this process's memory: `RssAnon` is its own, `RssFile` the pages of mapped files (LMDB's too)."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.partition(f"{kind}:")[2].split()[0])


def runtime(url: str) -> Runtime:
    return Runtime(store=None, config=Config(storage=Storage(url=url, migrate_at_start=True)))


async def start(url: str, count: int) -> dict[str, float]:
    """Starts them; each waits for an event with its own number as subject."""
    async with runtime(url) as running:
        definition = running.deploy(WAITING)
        began = time.perf_counter()
        for first in range(0, count, AT_ONCE):
            inputs = [{"id": str(number)} for number in range(first, min(first + AT_ONCE, count))]
            await running.assembly.service.starting.start_all(definition, inputs)
        while running.assembly.worker.active > 0:  # One that waits leaves memory.
            await asyncio.sleep(0.01)
        return {"started_per_s": count / (time.perf_counter() - began)}


async def restore(url: str, count: int) -> dict[str, float]:
    """Restores them and wakes a few."""
    before = memory("RssAnon")
    began = time.perf_counter()
    async with runtime(url) as running:
        restore_s = time.perf_counter() - began
        after = memory("RssAnon")
        woken = asyncio.Event()
        running.assembly.worker.on_ended.append(lambda instance: woken.set())
        latencies = []
        for number in range(0, count, count // EVENTS):
            woken.clear()
            sent = time.perf_counter()
            event = {"specversion": "1.0", "id": str(number), "source": "/b", "type": "go", "subject": str(number)}
            await running.publish(event)
            async with asyncio.timeout(30):
                await woken.wait()
            latencies.append(time.perf_counter() - sent)
        return {
            "restore_s": restore_s,
            "bytes_each": (after - before) / count,
            "memory_mb": after / 1e6,
            "mapped_mb": memory("RssFile") / 1e6,
            "event_ms": statistics.median(latencies) * 1000,
        }


def figures(verb: str, url: str, count: int) -> dict[str, float]:
    """Those of one verb, from a process of its own."""
    command = [sys.executable, "-m", "benchmarks.waiting", "--verb", verb, "--count", str(count), url]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=WITHIN_S)
    except subprocess.TimeoutExpired:
        raise WaitingFailed(f"{verb}: not within {WITHIN_S} s") from None
    if done.returncode != 0:
        raise WaitingFailed(f"{verb}: {(done.stderr.strip().splitlines() or ['nothing said'])[-1]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def everything(names: Sequence[str], count: int) -> Iterator[Waiting]:
    """The figures of the named stores."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        for name in names:
            for label, url in urls([name], Path(folder), running):
                try:
                    yield Waiting(label, count, **figures("start", url, count), **figures("restore", url, count))
                except WaitingFailed as failed:
                    print(f"{label} is left out: {failed}", file=sys.stderr)


def main() -> None:
    """Prints everything."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.waiting", description=__doc__)
    parser.add_argument("stores", nargs="*", default=STORES, help=f"of {', '.join(STORES)}; or URLs")
    parser.add_argument("--count", type=int, default=10_000, help="of waiting instances")
    parser.add_argument("--verb", choices=("start", "restore"), help="only that, on the one URL given")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    given = parser.parse_args()
    if given.verb is not None:
        work = start if given.verb == "start" else restore
        print(json.dumps(asyncio.run(work(given.stores[0], given.count))))
        return
    for each in everything(given.stores, given.count):
        size = f"{each.bytes_each:,.0f} bytes each ({each.memory_mb:,.0f} MB in all, {each.mapped_mb:,.0f} MB mapped)"
        text = (
            f"{each.store:14}{each.count:>8,} restored in {each.restore_s:.2f} s, {size}, event {each.event_ms:.2f} ms"
        )
        print(json.dumps(asdict(each)) if given.json else text, flush=True)


if __name__ == "__main__":
    main()
