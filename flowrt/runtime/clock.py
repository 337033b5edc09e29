"""The clock and the ids of a process: the only place that reads the time or randomness for workflows."""

from __future__ import annotations

import os
import time
import uuid

INSTANCES = uuid.UUID("0e6d0a34-6c1f-4a55-8a25-3c7f1a0c4d11")


def now() -> float:
    """Epoch seconds."""
    return time.time()


def new_id() -> str:
    """A new instance id: a UUID of version 7, so that ids sort by time (RFC 9562)."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10))
    value = (milliseconds & (1 << 48) - 1) << 80 | 0x7 << 76 | (random >> 68 & 0xFFF) << 64 | 0b10 << 62
    return str(uuid.UUID(int=value | random & (1 << 62) - 1))


def derived_id(*parts: str) -> str:
    """The instance id that belongs to these words: the same words, the same id."""
    return str(uuid.uuid5(INSTANCES, "\x1f".join(parts)))
