"""Adapter of `call: asyncapi`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flowrt.core.effect import Effect, Outcome
from flowrt.core.fault import Fault, Faulted
from flowrt.effects.auth import Authentication
from flowrt.effects.client import Clients
from flowrt.effects.resources import Resources

Json = Any


class AsyncapiCall:
    """Publishes or subscribes."""

    def __init__(self, clients: Clients, authentication: Authentication, resources: Resources) -> None:
        self._clients, self._authentication, self._resources = clients, authentication, resources

    async def run(self, effect: Effect) -> Outcome:
        raise Faulted(Fault.of("configuration", "`call: asyncapi`: no protocol is available"))

    async def check(self, arguments: Json, base_uri: str | None) -> Sequence[str]:
        return ()

    async def close(self) -> None:
        return None
