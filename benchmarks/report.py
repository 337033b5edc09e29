"""Runs every benchmark and writes docs/performance.md and its plot: the figures of one run on one machine."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from benchmarks import durable, engine, machine, over_http, stores, waiting
from benchmarks.peers.__main__ import measure as measure_peers
from benchmarks.plot import plot
from flowrt.bench import INSTANCES, fsync_floor

DOCS = Path(__file__).parent.parent / "docs"
MANY = 100_000
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Scale:
    """How long each measurement takes."""

    peers_s: float
    durable_s: float
    http_s: float
    waiting: int

    @classmethod
    def of(cls, seconds: float) -> Scale:
        """`seconds` is that of one load over HTTP, 30 for figures to be shown."""
        return cls(min(2.0, seconds / 10), min(3.0, seconds / 5), seconds, 10_000)


def told(figures: Iterable[T]) -> list[T]:
    """All of them, each shown on stderr as it comes."""
    found = []
    for figure in figures:
        print(figure, file=sys.stderr, flush=True)
        found.append(figure)
    return found


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """In Markdown; all but the first column stand to the right when they hold figures."""
    lines = ["| " + " | ".join(head) + " |", "|" + "|".join(["---", *["---:"] * (len(head) - 1)]) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


def peers(scale: Scale) -> Iterator[str]:
    """Side by side with what a user would pick instead."""
    yield "## Beside other runtimes\n"
    yield (
        "The same work in one run, in alternating rounds; medians. flowrt and each peer run as one process of their"
        " own. flowrt makes every completed task and every end durable with fsync; the Java runtime's MVStore is"
        " written behind the workflows, without fsync; the Rust runtime has no store. The last column compares with the"
        " first row of the same work. Command: `python -m benchmarks.peers`\n"
    )
    rows = []
    for outcome in told(measure_peers(3, scale.peers_s, "")):
        rate = f"skipped: {outcome.skipped}" if outcome.tasks_per_s is None else f"{outcome.tasks_per_s:,.0f}"
        times = "" if outcome.flowrt_times is None else f"{outcome.flowrt_times:.1f} ×"
        rows.append((outcome.contest, f"{outcome.peer} {outcome.version}", outcome.what, rate, times))
    yield table(("work", "runtime", "with", "tasks/s", "flowrt reaches"), rows)


def durables(scale: Scale) -> Iterator[str]:
    """Each store, embedded."""
    yield "## Durable tasks, per store\n"
    yield (
        "Workflows of 100 `set` tasks in the embedded runtime, so many at a time; the times of a commit are p50 / p99."
        " Command: `python -m benchmarks.durable`\n"
    )
    with tempfile.TemporaryDirectory() as name:
        floors = [(size // 1024, *fsync_floor(Path(name), size)) for size in stores.FSYNC_SIZES]
    shown = "; ".join(f"{size} KiB: p50 {p50:.2f} ms, p99 {p99:.2f} ms" for size, p50, p99 in floors)
    yield f"The disk's floor, a write with fsync of {shown}.\n"
    found = told(durable.everything(durable.STORES, scale.durable_s))
    head = ["store", *(f"{count} at a time" for count in INSTANCES)]
    rows = []
    for store in dict.fromkeys(each.store for each in found):
        cells = [
            f"{each.tasks_per_s:,.0f} tasks/s, commit {each.commit_p50_ms:.1f} / {each.commit_p99_ms:.1f} ms"
            for each in (figures.durable for figures in found if figures.store == store)
        ]
        rows.append((store, *cells))
    yield table(head, rows)


def served(scale: Scale) -> Iterator[str]:
    """Each store, over HTTP; writes the plot."""
    yield "## Over HTTP, per store\n"
    yield (
        f"`flowrt serve`, a workflow of {over_http.TASKS} `set` tasks, `?wait=`; the load is a process of its own on"
        f" the same machine. Open loop: constant arrivals for {scale.http_s:g} s, times count from when a start was"
        " due. Busy is the share of the processors' time that was spent, by all there is on the machine; stolen is what"
        " the machine's host gave to others meanwhile. Command: `python -m benchmarks.over_http`\n"
    )
    found = told(over_http.everything(over_http.STORES, scale.http_s))
    by_store = {
        store: [each for each in found if each.store == store] for store in dict.fromkeys(e.store for e in found)
    }
    shown = ("average_ms", "p50_ms", "p95_ms", "p99_ms", "dropped", "busy", "stolen")
    rows = [
        (store, each.load, *(_figure(each, name, 0 if name in shown[4:] else 1) for name in shown))
        for store, loads in by_store.items()
        for each in loads
        if each.load.endswith("starts/s")
    ]
    yield table(("store", "load", "average ms", "p50", "p95", "p99", "dropped", "busy %", "stolen %"), rows)
    closed, batch = f"{over_http.CONNECTIONS} connections", f"{over_http.BATCH} in batches"
    columns = [(closed, "tasks_per_s", 0), (closed, "p50_ms", 1), (closed, "p99_ms", 1)]
    columns += [(batch, "started_s", 2), (batch, "ended_s", 2), ("ready", "ready_s", 2)]
    rows = []
    for store, loads in by_store.items():
        of = {each.load: each for each in loads}
        rows.append((store, *(_figure(of[load], name, digits) for load, name, digits in columns)))
    batches = f"{over_http.BATCH:,} starts in batches: durable after s"
    head = (f"{closed}: tasks/s", "p50 ms", "p99 ms", batches, "ended after s", "process ready after s")
    yield table(("store", *head), rows)
    lines = {
        store: [
            (float(e.load.split()[0]), e.figures["p95_ms"])
            for e in loads
            if "dropped" in e.figures and "p95_ms" in e.figures
        ]
        for store, loads in by_store.items()
    }
    title = f"p95 of a workflow of {over_http.TASKS} tasks over HTTP"
    (DOCS / "performance.svg").write_text(plot(title, "starts a second", "milliseconds", lines))
    yield "![p95 against rate, per store](performance.svg)\n"


def _figure(each: over_http.Served, name: str, digits: int = 1) -> str:
    if each.failed is not None:
        return "failed"
    return f"{each.figures[name]:,.{digits}f}" if name in each.figures else "–"


def idle(scale: Scale) -> Iterator[str]:
    """What waits."""
    yield "## Waiting instances\n"
    yield (
        "Instances that listen for an event with their own subject, restored by a fresh process; then one event for one"
        " of them, until the durable end of its instance (median of 50). Memory is the process's own, without mapped"
        " files. Commands: `python -m benchmarks.waiting`, `python -m benchmarks.waiting file --count 100000`\n"
    )
    found = told(waiting.everything(waiting.STORES, scale.waiting))
    found += told(waiting.everything(["file"], MANY if scale.waiting >= 10_000 else scale.waiting))
    rows = [
        (
            e.store,
            f"{e.count:,}",
            f"{e.restore_s:.2f}",
            f"{e.bytes_each:,.0f}",
            f"{e.memory_mb:,.0f}",
            f"{e.event_ms:.1f}",
        )
        for e in found
    ]
    yield table(("store", "instances", "restore s", "bytes each", "MB in all", "event ms"), rows)


def process(_: Scale) -> Iterator[str]:
    """The machine alone, and how a process starts."""
    yield "## The machine alone, and start-up\n"
    yield "Command: `python -m benchmarks.engine`\n"
    with tempfile.TemporaryDirectory() as name:
        hello = Path(name) / "hello.yaml"
        hello.write_text(engine.HEAD.format(name="hello") + "do:\n- greet: {set: {hello: '${ .name }'}}\n")
        rows = [
            ("pure tasks, no store and no event loop", f"{engine.pure_rate():,.0f} tasks/s"),
            ("`flowrt --version`", f"{engine.start_up('--version'):.3f} s"),
            ("`flowrt run hello.yaml`", f"{engine.start_up('run', str(hello)):.3f} s"),
        ]
    yield table(("what", "figure"), told(rows))


SECTIONS = {"peers": peers, "durable": durables, "http": served, "waiting": idle, "engine": process}


def document(names: Sequence[str], scale: Scale) -> Iterator[str]:
    """The parts of the page."""
    yield "# Performance\n"
    yield (
        f"Written by `python -m benchmarks.report` on {datetime.now(UTC):%Y-%m-%d}; every figure is of that one run,"
        " flowrt as one process, its load and the stores' servers on the same machine.\n"
    )
    yield table(("", ""), machine.described())
    for name in names:
        yield from SECTIONS[name](scale)


def main() -> None:
    """Writes the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=__doc__)
    parser.add_argument("sections", nargs="*", default=list(SECTIONS), help=f"of {', '.join(SECTIONS)}")
    parser.add_argument("--seconds", type=float, default=30, help="of each load over HTTP; the others follow it")
    parser.add_argument("--to", type=Path, default=DOCS / "performance.md", help="the page")
    given = parser.parse_args()
    given.to.write_text("\n".join(document(given.sections, Scale.of(given.seconds))))


if __name__ == "__main__":
    main()
