"""The specification's examples of containers, run by a real engine; its images are the tests' own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from flowrt.config.model import Config, Container, Run
from tests.conformance.examples.stage import EXAMPLES, Stage, staged
from tests.conformance.spec import MISSING
from tests.effects.container.conftest import Look
from tests.effects.container.docker_server import Docker
from tests.effects.container.registry import Registry
from tests.servers.podman import Podman

HELLO = "Hello from Docker!"

pytestmark = pytest.mark.skipif(not EXAMPLES.is_dir(), reason=MISSING)


@pytest.fixture(scope="module")
def images(podman_server: Podman) -> None:
    """`alpine`, and a `hello-world` that greets, in the place where the engine looks for what was pulled."""
    podman_server.add_image("docker.io/library/alpine:latest")
    podman_server.add_image("docker.io/library/hello-world:latest", "echo", HELLO)


@asynccontextmanager
async def running_on(engine: Podman | Docker) -> AsyncIterator[Stage]:
    container = Container(enabled=True, runtime=engine.name, host=engine.url, network="host")
    async with staged(Config(run=Run(container=container))) as stage:
        yield stage


@pytest.fixture
async def stage(images: None, podman_server: Podman) -> AsyncIterator[Stage]:
    async with running_on(podman_server) as stage:
        yield stage


@pytest.mark.parametrize(
    ("name", "output"),
    [
        ("run-container", HELLO),
        ("run-container-cleanup-always", HELLO),
        ("run-container-cleanup-eventually", HELLO),
        ("run-container-with-name", HELLO),
        ("run-return-all", {"code": 0, "stdout": HELLO, "stderr": ""}),
        ("run-return-code", 0),
        ("run-return-none", None),
        ("run-return-stderr", ""),
    ],
)
async def test_a_container_and_what_it_returns(stage: Stage, name: str, output: Any) -> None:
    assert await stage.output(name, None) == output


async def test_stdin_and_arguments(stage: Stage) -> None:
    output = await stage.output("run-container-stdin-and-arguments")
    assert output.splitlines() == ["STDIN was: Hello World", "ARGS are Foo Bar"]


class OpenRegistry(Registry):
    """Asks nobody for a login."""

    def answer(self, path: str, authorization: str | None) -> tuple[int, str, bytes]:
        return super().answer(path, self.expected)


@pytest.mark.parametrize("engine", ["docker"], indirect=True)
async def test_an_image_that_is_pulled_each_time(docker_server: Docker, look: Look) -> None:
    saved = (await look.client.get(f"/images/{docker_server.image}/get")).content
    with OpenRegistry(saved, "latest") as registry:
        image = f"{registry.address}/team/tool"
        changes = {"image: hello-world": f"image: {image}\n          command: echo {HELLO}"}
        async with running_on(docker_server) as stage:
            for _ in range(2):
                before = registry.pulls
                assert await stage.output("run-container-with-pull-policy", None, changes) == HELLO
                assert registry.pulls > before
        await look.client.delete(f"/images/{image}:latest", params={"force": "1"})
