"""Clients: sends requests with the client configured for the task that wants it, within its limits.

Invariants: connections are made on first use and belong to one event loop; only the retries here repeat a request, and
`Timeouts.total_s` bounds them all.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from flowrt.core.effect import Effect
from flowrt.core.fault import Fault, Faulted

from . import faults
from .breaker import Breakers
from .messages import Request, Response
from .retrying import retry_delay
from .routing import client_names
from .settings import ClientSettings

if TYPE_CHECKING:
    from .exchange import Connections

_SERVER_ERROR = 500


class Clients:
    """The HTTP clients of a runtime: a default one, and those named for workflows and tasks."""

    def __init__(
        self,
        settings: ClientSettings | None = None,
        named: Mapping[str, ClientSettings] = MappingProxyType({}),
        *,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._default = _Client(settings or ClientSettings(), wall_clock)
        self._named = {name: _Client(each, wall_clock) for name, each in named.items()}

    async def send(self, request: Request, effect: Effect | None = None) -> Response:
        """The response, whatever its status.

        Raises `Faulted`: `communication`/503 without an answer, /504 after a time limit, /502 for an unusable answer;
        `authorization`/403 for a host that may not be called; `configuration`/400 for what cannot be sent.
        """
        return await self._client(effect).send(request)

    def settings(self, effect: Effect | None = None) -> ClientSettings:
        """Those of the client that `effect` would use."""
        return self._client(effect).settings

    def _client(self, effect: Effect | None) -> _Client:
        if effect is None or not self._named:
            return self._default
        return next((self._named[name] for name in client_names(effect) if name in self._named), self._default)

    async def close(self) -> None:
        """Closes the connections that belong to the running event loop."""
        for client in (self._default, *self._named.values()):
            await client.close()


class _Client:
    def __init__(self, settings: ClientSettings, wall_clock: Callable[[], float]) -> None:
        self.settings = settings
        self._wall_clock = wall_clock
        self._breakers = Breakers(settings.breaker)
        self._connections: WeakKeyDictionary[asyncio.AbstractEventLoop, Connections] = WeakKeyDictionary()

    async def send(self, request: Request) -> Response:
        total_s = self.settings.timeouts.total_s
        try:
            async with asyncio.timeout(total_s) as limit:
                return await self._send_repeatedly(request)
        except TimeoutError:
            if not limit.expired():
                raise
            raise faults.too_late(request, f"not done within {total_s:g} s (total timeout)") from None

    async def _send_repeatedly(self, request: Request) -> Response:
        repetitions = 0
        while True:
            result = await self._attempt(request)
            delay_s = retry_delay(self.settings.retries, request, result, repetitions, self._wall_clock())
            if delay_s is None:
                if isinstance(result, Fault):
                    raise Faulted(result)
                return result
            repetitions += 1
            await asyncio.sleep(delay_s)

    async def _attempt(self, request: Request) -> Response | Fault:
        # Imported here: the HTTP library takes longer to load than a workflow without calls takes to run.
        from .exchange import Connections, exchange

        loop = asyncio.get_running_loop()
        connections = self._connections.get(loop)
        if connections is None:
            connections = self._connections[loop] = Connections(self.settings)
        self._breakers.check(request, loop.time())
        try:
            response = await exchange(connections, self.settings, request)
        except Faulted as error:
            self._breakers.record(request, failed=faults.is_no_answer(error.fault), now=loop.time())
            return error.fault
        self._breakers.record(request, failed=response.status >= _SERVER_ERROR, now=loop.time())
        return response

    async def close(self) -> None:
        connections = self._connections.pop(asyncio.get_running_loop(), None)
        if connections is not None:
            await connections.close()
