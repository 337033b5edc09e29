"""What the tests of containers share: a real engine, adapters on it, effects, and a look at the engine of our own."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest

from flowrt.core.effect import Effect
from flowrt.effects.container.run import ContainerRun
from flowrt.effects.container.settings import ContainerSettings
from tests.effects.container.docker_server import Docker
from tests.servers.fixtures import running
from tests.servers.podman import Podman


class Look:
    """The engine seen with a client that is not the one under test."""

    def __init__(self, url: str) -> None:
        transport = httpx.AsyncHTTPTransport(uds=url.removeprefix("unix://"))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://engine", timeout=30)

    async def containers(self, key: str) -> list[dict[str, Any]]:
        filters = json.dumps({"label": [f"flowrt.key={key}"]})
        answer = await self.client.get("/containers/json", params={"all": "1", "filters": filters})
        return [await self.container(one["Id"]) for one in answer.json()]

    async def container(self, name: str) -> dict[str, Any]:
        return dict((await self.client.get(f"/containers/{name}/json")).json())

    async def running(self, key: str) -> dict[str, Any]:
        """The one container with the key, as soon as it runs."""
        async with asyncio.timeout(20):
            while True:
                found = [one for one in await self.containers(key) if one["State"]["Running"]]
                if found:
                    return found[0]
                await asyncio.sleep(0.02)

    async def gone(self, key: str) -> None:
        """Returns when no container with the key is there any more."""
        async with asyncio.timeout(20):
            while await self.containers(key):
                await asyncio.sleep(0.02)


@pytest.fixture(scope="session")
def docker_server(podman_server: Podman, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Docker]:
    yield from running(Docker(podman_server), tmp_path_factory)


@pytest.fixture(params=["podman", "docker"])
def engine(request: pytest.FixtureRequest) -> Podman | Docker:
    found: Podman | Docker = request.getfixturevalue(f"{request.param}_server")
    return found


@pytest.fixture
def settings(engine: Podman | Docker) -> ContainerSettings:
    return ContainerSettings(enabled=True, runtime=engine.name, host=engine.url, network="host", allowed_volumes=None)


@pytest.fixture
async def adapter(settings: ContainerSettings) -> AsyncIterator[ContainerRun]:
    adapter = ContainerRun(settings)
    yield adapter
    await adapter.close()


@pytest.fixture
async def look(engine: Podman | Docker) -> AsyncIterator[Look]:
    look = Look(engine.url)
    yield look
    await look.client.aclose()


@pytest.fixture
def effect() -> Callable[..., Effect]:
    """Effects of one instance of its own; `returns` stands for `return`."""
    instance = uuid.uuid4().hex

    def make(image: str = Podman.image, *, attempt: int = 0, **arguments: Any) -> Effect:
        if "returns" in arguments:
            arguments["return"] = arguments.pop("returns")
        return Effect(
            kind="container",
            arguments={"image": image, **arguments},
            instance=instance,
            position="/do/0/print it",
            attempt=attempt,
            task="print it",
            workflow=("shop", "orders", "1.0.0"),
        )

    return make


@pytest.fixture
def output(adapter: ContainerRun, effect: Callable[..., Effect]) -> Callable[..., Awaitable[Any]]:
    attempts = iter(range(100))

    async def run(command: Any = None, **more: Any) -> Any:
        wanted = effect(command=command, attempt=next(attempts), **{"lifetime": {"cleanup": "always"}, **more})
        return (await adapter.run(wanted)).output

    return run
