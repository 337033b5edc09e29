"""Progress of a running instance: where it stands, on a terminal's last line; and events given at the right moment."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Sequence
from typing import Any

from flowrt.python import Handle, Runtime

Json = Any
INTERVAL_S = 0.2


class Progress:
    """Watches one instance while `flowrt run` waits."""

    def __init__(self, runtime: Runtime, handle: Handle) -> None:
        self._runtime, self._handle = runtime, handle
        self._task = asyncio.create_task(self._show()) if sys.stderr.isatty() else None

    async def publish(self, events: Sequence[Json]) -> None:
        """Publishes each event once something listens, in order; returns early when the instance has ended."""
        index = self._runtime.assembly.worker.index
        for event in events:
            while not index.matches(event):
                if (await self._handle.refresh()) in ("completed", "faulted", "cancelled"):
                    return
                await asyncio.sleep(0.005)
            await self._runtime.publish(event)

    async def stop(self) -> None:
        """Clears the line."""
        if self._task is None:
            return
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        sys.stderr.write("\r\x1b[K")

    async def _show(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL_S)
            described = await self._handle.describe()
            places = ", ".join(f"{each['position']} ({each['waitsFor']})" for each in described.get("standing", []))
            sys.stderr.write(f"\r\x1b[K{described['status']}: {places}"[:200])
            sys.stderr.flush()
