"""Ending tasks: a cancellation can get lost on its way.

In CPython before 3.12 `asyncio.wait_for`, which drivers read with, gives the result of what ends in the very moment of
the cancellation, and forgets to be cancelled. A task in a loop would go on for ever, and so would whoever waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

AGAIN_S = 0.5


async def ended(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancels tasks that have nothing to clean up, again and again until they have ended, however that was."""
    known = list(tasks)
    while left := [task for task in known if not task.done()]:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=AGAIN_S)
    await asyncio.gather(*known, return_exceptions=True)
