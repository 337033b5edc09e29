"""Image: what a store holds of one instance, as bytes, written checkpoint by checkpoint.

An image takes from a checkpoint only what it says has changed, as every store does; that it then equals the whole
instance is what `Image.of` lets a test demand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from flowrt.core.definition import Subscription
from flowrt.core.instance import ENDED, Instance, StateKey
from flowrt.core.machine import Machine
from flowrt.core.records import Stored, field_of, fixed_of, head_of, moving_of
from flowrt.stores.protocol import Checkpoint

Json = Any
FIELDS = ("input", "context", "output", "error")


@dataclass(slots=True)
class Image:
    """One stored instance."""

    head: bytes = b""
    fields: dict[str, bytes] = field(default_factory=dict)
    live: dict[StateKey, tuple[bytes, bytes]] = field(default_factory=dict)
    history: list[tuple[str, int, bytes]] = field(default_factory=list)
    """Key of the loop around it, iteration, record; oldest first."""
    wake_at: float | None = None
    subscriptions: Sequence[Subscription] = ()

    @classmethod
    def of(cls, instance: Instance, machine: Machine, now: float) -> Image:
        """All of an instance but its history, as if nothing of it had been stored before."""
        return cls(
            orjson.dumps(head_of(instance)),
            {name: orjson.dumps(field_of(instance, name)) for name in FIELDS},
            {
                key: (orjson.dumps(fixed_of(state)), orjson.dumps(moving_of(state)))
                for key, state in instance.live.items()
            },
            wake_at=instance.wake_at(),
            subscriptions=machine.subscriptions(instance, now),
        )

    @property
    def ended(self) -> bool:
        """Whether nothing happens to it any more."""
        return orjson.loads(self.head)["status"] in ENDED

    def write(self, checkpoint: Checkpoint) -> None:
        """Takes over what a checkpoint says has changed."""
        self.head = orjson.dumps(checkpoint.head)
        self.wake_at = checkpoint.entry.wake_at
        for name, value in checkpoint.fields.items():
            self.fields[name] = orjson.dumps(value)
        for key, pieces in checkpoint.live.items():
            if pieces is None:
                self.live.pop(key, None)
                continue
            fixed, moving = pieces
            self.live[key] = (self.live[key][0] if fixed is None else orjson.dumps(fixed), orjson.dumps(moving))
        below = checkpoint.pruned
        self.history = [record for record in self.history if record[1] >= below.get(record[0], 0)]
        for loop, data in checkpoint.history:
            self.history.append((loop, data["iteration"], orjson.dumps(data)))
        if checkpoint.subscriptions is not None:
            self.subscriptions = list(checkpoint.subscriptions)

    def read(self) -> Stored:
        """What restore reads."""
        return Stored(
            orjson.loads(self.head),
            {name: orjson.loads(value) for name, value in self.fields.items()},
            [(key, orjson.loads(fixed), orjson.loads(moving)) for key, (fixed, moving) in self.live.items()],
        )

    def completed(self) -> list[Json]:
        """The records of its history, oldest first."""
        return [orjson.loads(record) for _, _, record in self.history]

    def difference(self, other: Image) -> str | None:
        """The first thing that the two do not have alike, history aside."""
        mine, others = self._pieces(), other._pieces()
        for name in dict.fromkeys((*mine, *others)):
            if mine.get(name) != others.get(name):
                return f"{name}: {mine.get(name)!r} is not {others.get(name)!r}"
        return None

    def size(self) -> int:
        """Bytes stored, history included."""
        live = sum(len(fixed) + len(moving) + len(key[0]) for key, (fixed, moving) in self.live.items())
        history = sum(len(record) for _, _, record in self.history)
        return len(self.head) + sum(map(len, self.fields.values())) + live + history

    def _pieces(self) -> dict[str, Any]:
        pieces: dict[str, Any] = {"head": self.head, "wake_at": self.wake_at, "subscriptions": list(self.subscriptions)}
        pieces |= {f"the {name}": self.fields.get(name, b"null") for name in FIELDS}
        return pieces | {f"the state {key}": state for key, state in self.live.items()}
