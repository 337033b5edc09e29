"""The workflows that are run, and on what: chains of `set` tasks, and the five steps that DBOS is compared with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers import dbos_peer, flowrt_peer, java_peer, rust_peer
from benchmarks.peers.program import Peer
from tests.servers.postgres import Postgres

_HEAD = "document: {{dsl: 1.0.3, namespace: bench, name: {name}, version: 1.0.0}}\ndo:\n"


@dataclass(frozen=True, slots=True)
class Side:
    """A peer in a contest: `what` it runs, and the store it keeps that in."""

    peer: Peer
    workflow: Path
    store: str
    what: str


@dataclass(frozen=True, slots=True)
class Contest:
    """The same work for several peers, the first of which is flowrt; each instance is of so many `tasks`."""

    title: str
    tasks: int
    concurrency: int
    sides: list[Side]


def set_tasks(count: int) -> str:
    """A chain of `set` tasks, each with an expression on the one before."""
    return _HEAD.format(name=f"set{count}") + "".join(
        f"- t{n}: {{set: {{n: '${{ .n + 1 }}'}}}}\n" for n in range(count)
    )


def calls(count: int) -> str:
    """A chain of calls of a Python function: each is an effect, begun when what came before it is durable."""
    step = "{{call: addOne, with: {{number: '${{ .n }}'}}}}"
    return _HEAD.format(name=f"calls{count}") + "".join(f"- t{n}: {step.format()}\n" for n in range(count))


def contests(folder: Path, postgres: Postgres | None) -> list[Contest]:
    """All of them; without a PostgreSQL those that need it are left out."""

    def written(name: str, text: str) -> Path:
        file = folder / f"{name}.yaml"
        file.write_text(text)
        return file

    made = []
    for count in (20, 100):
        file = written(f"set{count}", set_tasks(count))
        memory = [
            Side(flowrt_peer.PEER, file, "memory://", "memory"),
            Side(java_peer.PEER, file, "memory", "memory"),
            Side(rust_peer.PEER, file, "memory", "memory"),
        ]
        made.append(Contest(f"{count} `set` tasks in memory", count, 64, memory))
        path = folder / str(count)
        on_file = [
            Side(flowrt_peer.PEER, file, f"file://{path}.flowrt", "file store, fsync at every commit"),
            Side(java_peer.PEER, file, f"{path}.mv", "MVStore, written behind, no fsync"),
        ]
        made.append(Contest(f"{count} `set` tasks on a file", count, 64, on_file))
    steps = written("calls5", calls(5)), written("set5", set_tasks(5))
    databases: list[tuple[str, Callable[[str], str]]] = [("SQLite", lambda name: f"sqlite:///{folder}/{name}.sqlite")]
    if postgres is not None:
        databases.append(("PostgreSQL", postgres.database_url))
    for database, url in databases:
        for concurrency in (1, 64):
            made.append(_five_steps(database, url, concurrency, *steps))
    return made


def _five_steps(database: str, url: Callable[[str], str], concurrency: int, calls: Path, sets: Path) -> Contest:
    sides = [
        Side(flowrt_peer.PEER, calls, url("flowrt_calls"), "5 calls of a Python function"),
        Side(flowrt_peer.PEER, sets, url("flowrt_sets"), "5 `set` tasks"),
        Side(dbos_peer.PEER, calls, url("dbos"), "5 steps in Python"),
    ]
    return Contest(f"5 steps on {database}, {concurrency} at a time", 5, concurrency, sides)
