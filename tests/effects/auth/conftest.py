"""What the tests of authentication share: servers, an adapter that calls them, a clock that is moved by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from flowrt.core.effect import Effect, Outcome
from flowrt.core.fault import Fault, Faulted
from flowrt.effects.auth import Authentication
from flowrt.effects.client import Clients
from flowrt.effects.http import HttpCall
from tests.effects.auth.authorization_server import AuthorizationServer
from tests.effects.http.local_web import Web

CallWith = Callable[..., Awaitable[Outcome]]
FaultWith = Callable[..., Awaitable[Fault]]


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    async with Web() as server:
        yield server


@pytest.fixture
async def issuer() -> AsyncIterator[AuthorizationServer]:
    async with AuthorizationServer() as server:
        yield server


@pytest.fixture
async def authentication(clock: Clock) -> AsyncIterator[Authentication]:
    clients = Clients()
    yield Authentication(clients, wall_clock=clock)
    await clients.close()


@pytest.fixture
def call(web: Web, authentication: Authentication) -> CallWith:
    """Calls `/x` of the server under a policy, as `call: http` does."""
    adapter = HttpCall(Clients(), authentication)

    async def make(policy: dict[str, Any], method: str = "get", path: str = "/x", **arguments: Any) -> Outcome:
        whole = {"method": method, "endpoint": f"{web.url}{path}", "authentication": policy, **arguments}
        return await adapter.run(Effect("http", whole, "01J", "/do/0/pay"))

    return make


@pytest.fixture
def fault(call: CallWith) -> FaultWith:
    async def make(policy: dict[str, Any], **arguments: Any) -> Fault:
        with pytest.raises(Faulted) as caught:
            await call(policy, **arguments)
        return caught.value.fault

    return make
