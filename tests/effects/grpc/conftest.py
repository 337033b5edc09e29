"""What the tests of gRPC calls share: a server, an adapter, an effect."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from flowrt.core.effect import Effect
from flowrt.effects.auth import Authentication
from flowrt.effects.client import Clients
from flowrt.effects.grpc import GrpcCall
from flowrt.effects.resources import Resources
from tests.effects.grpc.library_server import PROTOS, SERVICE, Library, generated, serving

EffectOf = Callable[..., Effect]


@pytest.fixture(scope="session")
def modules(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    return generated(tmp_path_factory.mktemp("generated"))


@pytest.fixture
async def library(modules: tuple[Any, Any]) -> AsyncIterator[Library]:
    async with serving(modules) as library:
        yield library


@pytest.fixture
async def clients() -> AsyncIterator[Clients]:
    clients = Clients()
    yield clients
    await clients.close()


@pytest.fixture
async def call(clients: Clients) -> AsyncIterator[GrpcCall]:
    authentication = Authentication(clients)
    call = GrpcCall(clients, authentication, Resources(authentication))
    yield call
    await call.close()


@pytest.fixture
def effect() -> EffectOf:
    return effect_of


def effect_of(port: int, method: str, arguments: Any = None, **more: Any) -> Effect:
    """An effect for a method of the library, its proto file beside the definition."""
    base = Path(more.pop("folder", PROTOS))
    service = {"name": more.pop("service", SERVICE), "host": more.pop("host", "127.0.0.1"), "port": port}
    if "authentication" in more:
        service["authentication"] = more.pop("authentication")
    given: dict[str, Any] = {"proto": {"endpoint": {"uri": "library.proto"}}, "service": service, "method": method}
    if arguments is not None:
        given["arguments"] = arguments
    deadline_at = more.pop("deadline_at", None)
    given |= more
    return Effect(
        "grpc",
        {name: value for name, value in given.items() if value is not None},
        "01J",
        "/do/0/käse",
        task="käse",
        workflow=("shop", "order", "1.0.0"),
        deadline_at=deadline_at,
        base_uri=str(base / "workflow.yaml"),
    )
