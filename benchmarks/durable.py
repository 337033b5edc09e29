"""Prints how many tasks a second become durable on each store, and how long a commit takes: workflows of 100 tasks.

The embedded runtime drives 1, 16, 64 and 256 instances at any time; each counts when its end is durable.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.stores import SERVERS, urls
from flowrt.bench import Durable, measure
from flowrt.config.model import Config, Storage

TASKS = 100
STORES = ("memory", "file", "sqlite", *SERVERS)


@dataclass(frozen=True, slots=True)
class Figures:
    """What one store makes durable."""

    store: str
    durable: Durable


async def rates(label: str, url: str, seconds: float) -> list[Figures]:
    """The figures of one store."""
    config = Config(storage=Storage(url=url, migrate_at_start=True))
    return [Figures(label, each) async for each in measure(config, seconds, TASKS)]


def everything(names: Sequence[str], seconds: float) -> Iterator[Figures]:
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
    for found in everything(given.stores, given.seconds):
        each = found.durable
        commit = f"commit p50 {each.commit_p50_ms:.2f} ms, p99 {each.commit_p99_ms:.2f} ms"
        text = f"{found.store:14}{each.instances:>5} instances {each.tasks_per_s:>10,.0f} tasks/s  {commit}"
        print(json.dumps(asdict(found)) if given.json else text, flush=True)


if __name__ == "__main__":
    main()
