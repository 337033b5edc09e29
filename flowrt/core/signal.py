"""Signals: what happened. The only things that move an instance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flowrt.core.effect import Outcome
from flowrt.core.fault import Fault

Json = Any


@dataclass(frozen=True, slots=True)
class Completed:
    """The effect named by `key` gave an outcome."""

    key: tuple[str, int, int]
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Failed:
    """The effect named by `key` failed."""

    key: tuple[str, int, int]
    fault: Fault


@dataclass(frozen=True, slots=True)
class Arrived:
    """A CloudEvent (its JSON envelope) is offered to every task that listens."""

    event: dict[str, Json]


@dataclass(frozen=True, slots=True)
class Tick:
    """Go on: the instance is yet to begin, deadlines are due, or a turn's budget of steps had ended."""


@dataclass(frozen=True, slots=True)
class Suspend:
    """What runs finishes, nothing new starts."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Goes on from where it was suspended."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Ends it; running work is interrupted."""


Signal = Completed | Failed | Arrived | Tick | Suspend | Resume | Cancel


def held_to_json(signal: Signal) -> dict[str, Json]:
    """A signal that reached a suspended instance, as its record keeps it."""
    match signal:
        case Completed(key, outcome):
            return {"completed": list(key), "output": outcome.output}
        case Failed(key, fault):
            return {"failed": list(key), "fault": fault.to_json()}
        case Arrived(event):
            return {"arrived": event}
    raise TypeError(f"a suspended instance does not hold {signal!r}")


def held_from_json(data: dict[str, Json]) -> Signal:
    """The signal that `held_to_json` wrote."""
    if "completed" in data:
        position, iteration, attempt = data["completed"]
        return Completed((position, iteration, attempt), Outcome(data["output"]))
    if "failed" in data:
        position, iteration, attempt = data["failed"]
        return Failed((position, iteration, attempt), Fault.from_json(data["fault"]))
    return Arrived(data["arrived"])
