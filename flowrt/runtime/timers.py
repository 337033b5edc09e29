"""Timers: one wake-up of the event loop for the earliest of any number of deadlines."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable

from flowrt.runtime.clock import now

LONGEST_SLEEP_S = 3600.0
"""The wall clock may be set meanwhile: look again at least this often."""


class Timers:
    """Wake-up times (epoch seconds) by id; an id has at most one."""

    def __init__(self, due: Callable[[str], None]) -> None:
        self._due = due
        self._at: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []
        self._handle: asyncio.TimerHandle | None = None
        self._armed_at = float("inf")

    def __len__(self) -> int:
        return len(self._at)

    def put(self, id_: str, at: float | None) -> None:
        """Sets, moves or (None) removes the wake-up of an id."""
        if self._at.get(id_) == at:
            return
        if at is None:
            self._at.pop(id_, None)
            return
        self._at[id_] = at
        heapq.heappush(self._heap, (at, id_))
        if at < self._armed_at:
            self._arm()

    def stop(self) -> None:
        """Wakes nobody any more."""
        if self._handle is not None:
            self._handle.cancel()
        self._at.clear()
        self._heap.clear()

    def _arm(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        while self._heap and self._at.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        self._armed_at = self._heap[0][0] if self._heap else float("inf")
        if self._heap:
            delay = min(max(0.0, self._armed_at - now()), LONGEST_SLEEP_S)
            self._handle = asyncio.get_running_loop().call_later(delay, self._fire)

    def _fire(self) -> None:
        self._handle = None
        at_most = now()
        while self._heap and self._heap[0][0] <= at_most:
            at, id_ = heapq.heappop(self._heap)
            if self._at.get(id_) == at:
                del self._at[id_]
                self._due(id_)
        self._arm()
