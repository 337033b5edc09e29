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

WARM_UP_S = 3.0
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
        for number in range(self._rounds + 1):
            for side, rates in zip(contest.sides, measured, strict=True):
                rate = self._rate(side, contest, number)
                if rate is not None and number > 0:  # The first round warms up.
                    rates.append(rate)
        ours = statistics.median(measured[0]) if measured[0] else None
        for side, rates in zip(contest.sides, measured, strict=True):
            peer = side.peer
            if peer.name in self._missing or not rates:
                reason = self._missing.get(peer.name, "it could not be measured")
                yield Outcome(contest.title, peer.name, peer.version, side.what, None, None, reason)
            else:
                median = statistics.median(rates)
                yield Outcome(contest.title, peer.name, peer.version, side.what, median, ours and ours / median)

    def _rate(self, side: Side, contest: Contest, number: int) -> float | None:
        """Tasks a second, or None of a peer that cannot be had."""
        name = side.peer.name
        if name in self._missing:
            return None
        try:
            cold = name not in self._programs
            program = self._program(side.peer)
            seconds = self._seconds if number else WARM_UP_S if cold else WARM_UP_AGAIN_S
            return contest.tasks * program.rate(side.workflow, side.store(), contest.concurrency, seconds)
        except Missing as missing:
            self._missing[name] = str(missing)
            return None

    def _program(self, peer: Peer) -> Program:
        if peer.name not in self._programs:
            log = self._folder / f"{peer.name}.log"
            self._programs[peer.name] = self._stack.enter_context(Program(peer, log))
        return self._programs[peer.name]
