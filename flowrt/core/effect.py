"""Effect: one thing the outside world owes an instance, and the protocol of the adapters that carry it out.

An effect is a value. The machine lists the pending ones; the runtime starts those that are missing, after the commit
that covers everything before them, and cancels those that are gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

Json = Any


@dataclass(frozen=True, slots=True)
class Effect:
    """What to do outside, with its arguments evaluated (they may hold secrets: never stored, never logged)."""

    kind: str
    """`http`, `openapi`, `shell`, `workflow`, `function`, …: the name of the adapter."""
    arguments: Json
    instance: str
    position: str
    """JSON pointer of the task that wants it: `/do/0/pay`."""
    iteration: int = 0
    attempt: int = 0
    task: str = ""
    workflow: tuple[str, str, str] = ("", "", "")
    """Namespace, name and version."""
    deadline_at: float | None = None
    """Epoch seconds at which the nearest enclosing timeout ends; the runtime cancels the adapter then anyway."""
    detached: bool = False
    """Begun, but not waited for (`await: false`)."""
    base_uri: str | None = None
    """Where the definition was read from, for relative references."""
    key: tuple[str, int, int] = field(default=("", 0, 0))
    """Names it within its instance: storage pointer, iteration, attempt."""

    @property
    def idempotency_key(self) -> str:
        """The same for every repetition of this effect after a crash (contract, promise 3)."""
        return f"{self.instance}{self.position}/{self.iteration}/{self.attempt}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an effect gave: its output, and what `$authorization` shows to `output.as` and `export.as`."""

    output: Json
    authorization: dict[str, str] | None = None
    """`{"scheme": "Bearer", "parameter": "…"}`; kept in memory only."""


class Adapter(Protocol):
    """Carries out one kind of effect. One per runtime, shared by all instances, used from one event loop."""

    async def run(self, effect: Effect) -> Outcome:
        """Does it and gives the outcome. Raises `Faulted` for whatever the workflow may catch.

        Cancelled (asyncio) when the effect is no longer wanted: it must then stop the work outside, too.
        """
        ...

    async def check(self, arguments: Json, base_uri: str | None) -> Sequence[str]:
        """What can be known to be wrong at load, from the definition's own `with` (expressions unevaluated)."""
        ...

    async def close(self) -> None:
        """Releases connections and processes."""
        ...
