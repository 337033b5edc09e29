"""Docker sweep: removes containers of `cleanup: eventually` when their time has come.

What is due is read off the containers themselves (their labels, their end), so it survives our restarts.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

from flowrt.core.effect import Json
from flowrt.core.fault import Faulted
from flowrt.effects.container.docker_api import DockerApi

_log = logging.getLogger(__name__)
_LONGEST_S = 300.0
"""Between two looks: another process's containers end without our knowing."""


class DockerSweep:
    """Looks when told to, and whenever a container it has seen is due."""

    def __init__(self, api: DockerApi) -> None:
        self._api = api
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._spared: set[str] = set()

    @contextmanager
    def sparing(self, name: str) -> Iterator[None]:
        """Leaves the container alone meanwhile: its output is still to be read."""
        self._spared.add(name)
        try:
            yield
        finally:
            self._spared.discard(name)

    def soon(self) -> None:
        """Looks at once; the first time, starts looking."""
        self._wanted.set()
        if self._task is None:
            self._task = asyncio.create_task(self._forever())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _forever(self) -> None:
        while True:
            self._wanted.clear()
            try:
                next_s = await self._once()
            except Faulted as failure:
                _log.warning("containers that are due could not be removed, trying again: %s", failure)
                next_s = _LONGEST_S
            with suppress(TimeoutError):
                async with asyncio.timeout(next_s):
                    await self._wanted.wait()

    async def _once(self) -> float:
        """Removes what is due and gives the seconds until more is."""
        filters = json.dumps({"label": ["flowrt.cleanup=eventually"]})
        listed = await self._api.call("GET", "/containers/json", "list", params={"all": "1", "filters": filters})
        next_s = _LONGEST_S
        for container in listed.json():
            if not self._spared.isdisjoint(name.removeprefix("/") for name in container["Names"]):
                continue
            left_s = await self._left_s(container["Id"])
            if left_s <= 0:
                path = f"/containers/{container['Id']}?v=1"
                await self._api.call("DELETE", path, "remove an ended container", accept=(404, 409))
            else:
                next_s = min(next_s, left_s)
        return next_s

    async def _left_s(self, identity: str) -> float:
        answer = await self._api.call("GET", f"/containers/{identity}/json", "look up a container", accept={404})
        found: Json = answer.json()
        if answer.status_code == 404 or found["State"]["Status"] not in ("exited", "dead", "stopped"):
            return _LONGEST_S
        ended_at = datetime.fromisoformat(found["State"]["FinishedAt"]).timestamp()
        return ended_at + float(found["Config"]["Labels"]["flowrt.after"]) - time.time()
