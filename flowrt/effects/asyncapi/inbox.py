"""Inbox: messages that a library hands over by callback, to be asked for one at a time."""

from __future__ import annotations

import asyncio

from flowrt.core.fault import Faulted

from .broker import Incoming


class Inbox:
    """First in, first out; what had arrived before the connection was lost is still given."""

    def __init__(self) -> None:
        self._arrived: asyncio.Queue[Incoming | Faulted] = asyncio.Queue()

    def put(self, message: Incoming) -> None:
        self._arrived.put_nowait(message)

    def fail(self, fault: Faulted) -> None:
        """The connection is lost."""
        self._arrived.put_nowait(fault)

    async def get(self) -> Incoming:
        """Raises the fault that ended it, again and again."""
        found = await self._arrived.get()
        if isinstance(found, Faulted):
            self._arrived.put_nowait(found)
            raise found
        return found
