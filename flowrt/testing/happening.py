"""Happenings: what comes over a simulated world, and when; its answers to effects, and its crashes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flowrt.core.effect import Outcome
from flowrt.core.fault import Fault
from flowrt.core.instance import Instance

Json = Any
START_AT = 1767225600.0
"""2026-01-01T00:00:00Z."""
Place = tuple[float, int, int, int]
"""Time, rank of the instance (0: the outside), kind, number: what comes first."""
EffectName = tuple[str, tuple[str, int, int]]
"""Instance and key."""
EMITTED, ANSWER = 0, 1
"""Kinds: of what happens to an instance at one time, its events come first."""


class Broken(Exception):
    """The runtime's promises are broken; the message says which."""


class Crash(Exception):
    """The process dies."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How the world answers an effect, and how long that takes."""

    result: Outcome | Fault
    after_s: float = 0.0


@dataclass(order=True, slots=True)
class Happening:
    """Something that moves instances; when that is committed, it is over."""

    place: Place
    act: Callable[[], list[Instance]] = field(compare=False)
    effect: EffectName | None = field(default=None, compare=False)
    answers: bool = field(default=False, compare=False)
    """The effect is over with it."""


def crash_never(_written: bool) -> bool:
    """The calm world."""
    return False


class CrashEverywhere:
    """Every commit is lost once before it is written; and once it is, the process dies before it acts."""

    def __init__(self) -> None:
        self._lost = False

    def __call__(self, written: bool) -> bool:
        if not written:
            self._lost = not self._lost
        return written or self._lost
