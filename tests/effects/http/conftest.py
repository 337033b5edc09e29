"""What the tests of HTTP calls share: a server, an effect, an adapter."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from flowrt.core.effect import Effect
from flowrt.effects.auth import Authentication
from flowrt.effects.client import Clients
from flowrt.effects.http import HttpCall
from tests.effects.http.local_web import Web

EffectOf = Callable[..., Effect]


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    async with Web() as server:
        yield server


@pytest.fixture
async def clients() -> AsyncIterator[Clients]:
    clients = Clients()
    yield clients
    await clients.close()


@pytest.fixture
def call(clients: Clients) -> HttpCall:
    return HttpCall(clients, Authentication(clients))


@pytest.fixture
def effect() -> EffectOf:
    def make(endpoint: str, method: str = "get", **arguments: Any) -> Effect:
        return Effect(
            kind="http",
            arguments={"method": method, "endpoint": endpoint, **arguments},
            instance="01J",
            position="/do/0/pay",
            iteration=2,
            attempt=1,
            task="pay",
            workflow=("shop", "order", "1.0.0"),
        )

    return make
