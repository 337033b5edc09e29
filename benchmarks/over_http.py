"""Prints what `flowrt serve` does under load on each store that this machine has: workflows of 100 tasks over HTTP.

20 to 150 starts a second (open loop), 64 connections (closed loop), 5,000 starts in batches. Figures, not tests.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from benchmarks.machine import Processors
from benchmarks.peers.work import set_tasks
from benchmarks.stores import SERVERS, urls
from tests.servers.ports import free_port
from tests.servers.process import ServerProcess

TASKS = 100
RATES = (20, 50, 100, 150)
BETWEEN = (50, 100)
"""For the curve only, so a third of the time will do."""
CONNECTIONS = 64
BATCH = 5000
STORES = ("memory", "file", "sqlite", *SERVERS)
READY_WITHIN_S = 30


@dataclass(frozen=True, slots=True)
class Served:
    """The figures of one load on one store."""

    store: str
    load: str
    figures: dict[str, float]
    failed: str | None = None


class LoadFailed(Exception):
    """What the load could not do."""


class ServedFlowrt:
    """`flowrt serve` with one workflow, from `with` to its end."""

    def __init__(self, folder: Path, store: str) -> None:
        workflows = folder / "workflows"
        workflows.mkdir()
        (workflows / "chain.yaml").write_text(set_tasks(TASKS))
        self._port = free_port()
        command: list[str | Path] = [
            sys.executable,
            "-m",
            "flowrt",
            "serve",
            workflows,
            "--port",
            str(self._port),
            "--store",
            store,
        ]
        settings = {"FLOWRT_STORAGE_MIGRATE_AT_START": "true", "FLOWRT_SERVER_LOG_LEVEL": "warning"}
        self._process = ServerProcess("flowrt", command, folder, environment=settings)

    @property
    def definition(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1/definitions/bench/set{TASKS}"

    def __enter__(self) -> ServedFlowrt:
        began = time.perf_counter()
        self._process.start(self._ready, READY_WITHIN_S)
        self.ready_s = time.perf_counter() - began
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop()

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/ready", timeout=1):
                return True
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return False


def loaded(kind: str, definition: str, *options: str) -> dict[str, float]:
    """The figures of one load, from a process of its own."""
    command = [sys.executable, "-m", "benchmarks.load", kind, definition, *options]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise LoadFailed((done.stderr.strip().splitlines() or ["nothing said"])[-1])
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def loads(definition: str, seconds: float) -> Iterator[tuple[str, Callable[[], dict[str, float]]]]:
    """Each load's name, and what runs it."""
    for rate in RATES:
        lasting = seconds / 3 if rate in BETWEEN else seconds
        options = ["--rate", str(rate), "--seconds", str(lasting)]
        yield f"{rate} starts/s", partial(loaded, "open", definition, *options)
    closed = ["--connections", str(CONNECTIONS), "--seconds", str(min(seconds, 10.0))]
    yield f"{CONNECTIONS} connections", partial(loaded, "closed", definition, *closed)
    yield f"{BATCH} in batches", partial(loaded, "batch", definition, "--count", str(BATCH))


def measure(store: str, url: str, seconds: float) -> Iterator[Served]:
    """All loads on one store, after a short one that is not counted."""
    with tempfile.TemporaryDirectory() as name, ServedFlowrt(Path(name), url) as served:
        yield Served(store, "ready", {"ready_s": served.ready_s})
        with suppress(LoadFailed):
            loaded("open", served.definition, "--rate", "50", "--seconds", "2")
        for load, run in loads(served.definition, seconds):
            try:
                with Processors() as processors:
                    figures = run()
            except LoadFailed as failed:
                yield Served(store, load, {}, str(failed))
                continue
            figures |= {"busy": 100 * processors.busy, "stolen": 100 * processors.stolen}
            if "instances_per_s" in figures:
                figures["tasks_per_s"] = TASKS * figures["instances_per_s"]
            yield Served(store, load, figures)


def everything(names: Sequence[str], seconds: float) -> Iterator[Served]:
    """All loads on the named stores."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as running:
        for store in names:
            for label, url in urls([store], Path(name), running):
                yield from measure(label, "memory://" if store == "memory" else url, seconds)


def line(served: Served) -> str:
    """For people."""
    shown = ", ".join(f"{name} {value:,.2f}" for name, value in served.figures.items())
    return f"{served.store:14} {served.load:18} {shown if served.failed is None else f'failed: {served.failed}'}"


def main() -> None:
    """Prints everything."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.over_http", description=__doc__)
    parser.add_argument("stores", nargs="*", default=STORES, help=f"of {', '.join(STORES)}; or URLs")
    parser.add_argument("--seconds", type=float, default=30, help="of each load")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    given = parser.parse_args()
    for served in everything(given.stores, given.seconds):
        print(json.dumps(asdict(served)) if given.json else line(served), flush=True)


if __name__ == "__main__":
    main()
