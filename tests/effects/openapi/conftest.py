"""What the tests of OpenAPI calls share: a server that also serves its own document, an effect, an adapter."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from flowrt.core.effect import Effect
from flowrt.effects.auth import Authentication
from flowrt.effects.client import Clients
from flowrt.effects.openapi import OpenApiCall
from flowrt.effects.resources import Resources, ResourceSettings
from tests.effects.http.local_web import Asked, Web, answer

Calls = Callable[..., Any]


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    async with Web() as server:
        yield server


@pytest.fixture
async def adapter() -> AsyncIterator[OpenApiCall]:
    clients = Clients()
    authentication = Authentication(clients)
    yield OpenApiCall(authentication, Resources(authentication, ResourceSettings(fresh_s=0)))
    await clients.close()


@pytest.fixture
def effect(web: Web) -> Callable[..., Effect]:
    def make(operation_id: str, parameters: dict[str, Any] | None = None, **arguments: Any) -> Effect:
        arguments.setdefault("document", {"endpoint": f"{web.url}/openapi.json"})
        whole = {"operationId": operation_id, "parameters": parameters or {}, **arguments}
        return Effect("openapi", whole, instance="01J", position="/do/0/pet")

    return make


@pytest.fixture
def serve(web: Web) -> Callable[[dict[str, Any]], None]:
    """Serves a document at `/openapi.json`."""

    def make(document: dict[str, Any]) -> None:
        web.on["/openapi.json"] = answer(200, document)

    return make


@pytest.fixture
def asked(web: Web, adapter: OpenApiCall, effect: Callable[..., Effect], serve: Calls) -> Calls:
    """Calls one operation that is described in OpenAPI 3.0 by `operation`, and gives what the server was asked."""

    async def make(
        operation: dict[str, Any], parameters: dict[str, Any], *, path: str = "/x", method: str = "get", **document: Any
    ) -> Asked:
        described = {"operationId": "it", "responses": {}, **operation}
        serve({"openapi": "3.0.3", "paths": {path: {method: described}}, **document})
        web.fallback = answer(200, "ok")
        await adapter.run(effect("it", parameters))
        return web.asked[-1]

    return make
