"""What the tests of A2A calls share: agents, an adapter, effects."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from flowrt.core.effect import Effect
from flowrt.effects.a2a import A2aCall
from flowrt.effects.auth import Authentication
from flowrt.effects.client import Clients
from flowrt.effects.resources import Resources
from tests.effects.a2a.agent_server import Agent, serving


@pytest.fixture
async def call() -> AsyncIterator[A2aCall]:
    clients = Clients()
    authentication = Authentication(clients)
    yield A2aCall(authentication, Resources(authentication))
    await clients.close()


@pytest.fixture(params=["0.3", "1.0"])
async def agent(request: pytest.FixtureRequest) -> AsyncIterator[Agent]:
    """An agent of one version of the protocol; what a definition sees is the same."""
    async with serving([request.param]) as agent:
        yield agent


def effect_of(method: str, parameters: Any = None, attempt: int = 0, **where: Any) -> Effect:
    arguments = {"method": method, **where}
    if parameters is not None:
        arguments["parameters"] = parameters
    return Effect(
        "a2a", arguments, "01J", "/do/0/ask", attempt=attempt, task="ask", workflow=("shop", "order", "1.0.0")
    )


def text(said: str, **message: Any) -> dict[str, Any]:
    """The parameters of `message/send`."""
    return {"message": {"parts": [{"kind": "text", "text": said}], **message}}
