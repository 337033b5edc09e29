"""Context: what every resource of the API stands on."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from flowrt.api.problems import Problem, unavailable
from flowrt.core.instance import WORKFLOW, Instance
from flowrt.runtime.host import Host
from flowrt.runtime.service import Service

Value = TypeVar("Value")

DURABLE_S = 30.0


class Context:
    """The service behind the API, its limits, and whether it is coming up or going down."""

    def __init__(self, host: Host, max_body: int, token: str | None = None) -> None:
        self.host = host
        self.token = token
        """What requests must carry, if anything."""
        self.service: Service = host.service
        self.max_body = max_body
        self.durable_s = DURABLE_S
        """How long an answer waits for the store."""
        self.starting: str | None = None
        """Why no work is taken yet, if so."""
        self.closing = False
        self.ended: Counter[str] = Counter()
        """Instances that have ended in this process, by status."""
        self._closed: set[Callable[[], None]] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self.service.worker.on_ended.append(self._count)

    @property
    def blocked(self) -> str | None:
        """Why no work is taken, if so."""
        return self.starting or self.host.blocked

    def close(self) -> None:
        """The server is about to stop: whoever waits for something is told now."""
        self.closing = True
        for callback in list(self._closed):
            callback()

    def on_close(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Calls back when the server is about to stop; the function it gives takes that back."""
        self._closed.add(callback)
        if self.closing:
            callback()
        return lambda: self._closed.discard(callback)

    async def durable(self, work: Coroutine[Any, Any, Value]) -> Value:
        """What comes of `work`, which writes; 503 when the store takes too long. The work itself goes on."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        done, _ = await asyncio.wait((task,), timeout=self.durable_s)
        if not done:
            raise self.too_slow()
        return task.result()

    def too_slow(self) -> Problem:
        """The store has not answered in time."""
        return unavailable(
            f"the store has not confirmed this within {self.durable_s:g} s; it may still happen. Repeat the request, "
            "with the same id, Idempotency-Key or event id."
        )

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()

    def _count(self, instance: Instance) -> None:
        if instance.role == WORKFLOW:
            self.ended[instance.status] += 1
