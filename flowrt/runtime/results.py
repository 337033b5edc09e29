"""Results: those who wait in this process for instances to end."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from flowrt.core.instance import Instance

RECENT = 256


class Results:
    """Futures by instance id; done when the instance has ended and that is durable."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[asyncio.Future[Instance]]] = {}
        self._recent: OrderedDict[str, Instance] = OrderedDict()
        """Those that ended last: who asks a moment later is answered, even if retention keeps nothing."""

    def wait(self, id_: str) -> asyncio.Future[Instance]:
        """Is done with the instance once it has ended."""
        future: asyncio.Future[Instance] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(id_, []).append(future)
        return future

    def recent(self, id_: str) -> Instance | None:
        """The instance if it ended here a moment ago."""
        found = self._recent.get(id_)
        return found if found is not None and found.ended else None

    def runs_again(self, id_: str) -> None:
        """Its end is over: it was retried."""
        self._recent.pop(id_, None)

    def forget(self, id_: str, future: asyncio.Future[Instance]) -> None:
        """Nobody waits for that future any more."""
        waiting = self._waiting.get(id_, [])
        if future in waiting:
            waiting.remove(future)
        if not waiting:
            self._waiting.pop(id_, None)

    def ended(self, instance: Instance) -> None:
        """Tells those who wait for it."""
        self._recent[instance.id] = instance
        if len(self._recent) > RECENT:
            self._recent.popitem(last=False)
        for future in self._waiting.pop(instance.id, ()):
            if not future.done():
                future.set_result(instance)
