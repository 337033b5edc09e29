"""Prints what `flowrt serve` does under load on each store that this machine has: workflows of 100 tasks over HTTP.

20 and 150 starts a second (open loop), 64 connections (closed loop), 5,000 starts in batches. Figures, not tests.
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
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.peers.work import set_tasks
from benchmarks.stores import SERVERS, urls
from tests.servers.ports import free_port
from tests.servers.process import ServerProcess

TASKS = 100
RATES = (20, 150)
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


class ServedFlowrt:
    """`flowrt serve` with one workflow, from `with` to its end."""

    def __init__(self, folder: Path, store: str) -> None:
        workflows = folder / "workflows"
        workflows.mkdir()
        (workflows / "chain.yaml").write_text(set_tasks(TASKS))
        self._port = free_port()
        command = [sys.executable, "-m", "flowrt", "serve", workflows, "--port", str(self._port), "--store", store]
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
        sys.exit(f"the load failed: {done.stderr.strip()[-500:]}")
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def measure(store: str, url: str, seconds: float) -> Iterator[Served]:
    """All loads on one store, each shorter one after a short one that is not counted."""
    with tempfile.TemporaryDirectory() as name, ServedFlowrt(Path(name), url) as served:
        yield Served(store, "ready", {"ready_s": served.ready_s})
        loaded("open", served.definition, "--rate", "50", "--seconds", "2")
        for rate in RATES:
            figures = loaded("open", served.definition, "--rate", str(rate), "--seconds", str(seconds))
            yield Served(store, f"{rate} starts/s", figures)
        closed_s = str(min(seconds, 10.0))
        figures = loaded("closed", served.definition, "--connections", str(CONNECTIONS), "--seconds", closed_s)
        figures["tasks_per_s"] = TASKS * figures["instances_per_s"]
        yield Served(store, f"{CONNECTIONS} connections", figures)
        yield Served(store, f"{BATCH} in batches", loaded("batch", served.definition, "--count", str(BATCH)))


def everything(names: Sequence[str], seconds: float) -> Iterator[Served]:
    """All loads on the named stores."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as running:
        for store in names:
            for label, url in urls([store], Path(name), running):
                yield from measure(label, "memory://" if store == "memory" else url, seconds)


def line(served: Served) -> str:
    """For people."""
    shown = (f"{name} {value:,.2f}" for name, value in served.figures.items())
    return f"{served.store:14} {served.load:18} {', '.join(shown)}"


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
