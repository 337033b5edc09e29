"""Engine: what the adapter asks of whatever runs containers."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol

from flowrt.effects.container.definition import Container
from flowrt.effects.process_result import ProcessResult


class Engine(Protocol):
    """Runs containers. Every method raises `Faulted`; none may leave a container running that nobody knows of."""

    async def run(self, container: Container) -> ProcessResult:
        """Starts the container, or finds the one that has its key, waits for its end and cleans up as it wants.

        Cancelled, it only stops waiting: the container goes on.
        """
        ...

    async def remove(self, container: Container) -> None:
        """Kills and removes the container with this key, in one step; no matter if there is none."""
        ...

    def sweep(self) -> None:
        """Sees to it that containers whose time has come are removed, those of earlier processes, too."""
        ...

    async def close(self) -> None: ...


async def uninterrupted(work: Coroutine[Any, Any, Any]) -> Any:
    """Does the work to its end even if cancelled meanwhile, so that what follows knows what there is to remove."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()
        raise
