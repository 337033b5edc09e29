"""Running: an instance in memory, with what this process knows of it beyond its state."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from flowrt.core.instance import Instance
from flowrt.core.signal import Signal

EffectKey = tuple[str, int, int]


@dataclass(slots=True)
class Running:
    """An instance in memory."""

    instance: Instance
    mailbox: deque[Signal] = field(default_factory=deque)
    effects: dict[EffectKey, asyncio.Task[None]] = field(default_factory=dict)
    children: dict[EffectKey, str] = field(default_factory=dict)
    """Sub-workflows it waits for: effect key -> instance id."""
    begun: set[EffectKey] = field(default_factory=set)
    """Effects that this process has begun, or found."""
    durable: set[EffectKey] = field(default_factory=set)
    """Effects whose wanting is durable: they may begin."""
    queued: bool = False
    busy: bool = False
    """Advances in a thread right now: nobody else may look into the instance."""
    waiting: list[asyncio.Future[None]] = field(default_factory=list)
    """To be done when what it does in its next turn, or in the present one, is durable."""
    volatile: bool = False
    """Excluded from persistence."""


def changed(instance: Instance) -> bool:
    """Whether there is anything to write."""
    changes = instance.changes
    return bool(
        changes.head or changes.states or changes.history or changes.fields or changes.emitted or changes.listeners
    )
