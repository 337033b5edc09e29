"""Runs contests in rounds, A B A B, so that whatever else the machine does meets every peer alike."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.program import Peer, Program
from benchmarks.peers.work import Contest, Side
from tests.servers.install import Missing

WARM_UP_S = 8.0
"""Of a program's first work: a Java machine compiles what it finds to be used."""
WARM_UP_AGAIN_S = 0.5


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a side has reached: the median of its rounds, and how many times that flowrt reaches; or why nothing."""

    contest: str
    peer: str
    version: str
    what: str
    tasks_per_s: float | None
    flowrt_times: float | None
    skipped: str | None = None


class Rounds:
    """The programs of all peers, each started once, from `with` to its end."""

    def __init__(self, folder: Path, rounds: int, seconds: float) -> None:
        self._folder, self._rounds, self._seconds = folder, rounds, seconds
        self._programs: dict[str, Program] = {}
        self._missing: dict[str, str] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Rounds:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def outcomes(self, contest: Contest) -> Iterator[Outcome]:
        """One for each side; the first is flowrt's."""
        measured: list[list[float]] = [[] for _ in contest.sides]
        missing: dict[int, str] = {}
        for number in range(self._rounds + 1):
            for index, side in enumerate(contest.sides):
                if index in missing:
                    continue
                try:
                    rate = self._rate(side, contest, warming=number == 0)
                except Missing as reason:
                    missing[index] = str(reason)
                else:
                    measured[index].append(rate)
        medians = [statistics.median(each[1:]) if len(each) > 1 else None for each in measured]
        for index, (side, median) in enumerate(zip(contest.sides, medians, strict=True)):
            peer, times = side.peer, medians[0] / median if medians[0] and median else None
            yield Outcome(contest.title, peer.name, peer.version, side.what, median, times, missing.get(index))

    def _rate(self, side: Side, contest: Contest, warming: bool) -> float:
        """Tasks a second. Raises `Missing`."""
        name = side.peer.name
        if name in self._missing:
            raise Missing(self._missing[name])
        cold = name not in self._programs
        program = self._program(side.peer)
        seconds = WARM_UP_S if cold else WARM_UP_AGAIN_S if warming else self._seconds
        try:
            return contest.tasks * program.rate(side.workflow, side.store, contest.concurrency, seconds)
        except Missing:
            del self._programs[name]  # The next one may do better with another store.
            raise

    def _program(self, peer: Peer) -> Program:
        if peer.name not in self._programs:
            log = self._folder / f"{peer.name}.log"
            try:
                self._programs[peer.name] = self._stack.enter_context(Program(peer, log))
            except Missing as missing:
                self._missing[peer.name] = str(missing)
                raise
        return self._programs[peer.name]
