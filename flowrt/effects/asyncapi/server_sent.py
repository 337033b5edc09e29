"""Server-sent events: the lines of a stream as events.

Source: WHATWG HTML, "Server-sent events", 9.2.6.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """`data` None: only told how long to wait before the next connection."""

    data: str | None
    name: str | None = None
    id: str | None = None
    """The last one seen, even if this event has none of its own."""
    retry_s: float | None = None


async def events(lines: AsyncIterator[str]) -> AsyncIterator[Event]:
    """An event that the end of the stream cuts off is dropped."""
    data: list[str] = []
    name: str | None = None
    last: str | None = None
    async for line in lines:
        if not line:
            if data:
                yield Event("\n".join(data), name, last)
            data, name = [], None
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            data.append(value)
        elif field == "event":
            name = value
        elif field == "id" and "\0" not in value:
            last = value
        elif field == "retry" and value.isdecimal():
            yield Event(None, retry_s=int(value) / 1000)
