"""Small checkpoints for the tests of single stores."""

from __future__ import annotations

from typing import Any

from flowrt.core.instance import ENDED
from flowrt.stores.protocol import Checkpoint, Entry

Json = Any


def record(position: str, iteration: int = 0, output: Json = None) -> dict[str, Json]:
    """A completed task as the history keeps it."""
    return {"position": position, "name": position.rsplit("/", 1)[-1], "iteration": iteration, "output": output}


def entry(id_: str, status: str = "running", started_at: float = 1000.0, **other: Any) -> Entry:
    """What finds the instance."""
    ended_at = other.pop("ended_at", started_at + 1 if status in ENDED else None)
    plain = {"namespace": "shop", "name": "order", "version": "1.0.0", "digest": "d1", "role": "workflow"}
    return Entry(id=id_, status=status, started_at=started_at, ended_at=ended_at, **{**plain, **other})


def checkpoint(id_: str | Entry, revision: int = 1, **parts: Any) -> Checkpoint:
    """One with a head that says its revision; `parts` are members of Checkpoint."""
    found = entry(id_) if isinstance(id_, str) else id_
    return Checkpoint(found, revision, {"format": 1, "id": found.id, "revision": revision}, **parts)
