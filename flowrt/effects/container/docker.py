"""Docker engine: a container's life on an engine that speaks Docker's API.

Create, hand over stdin, start, wait, read the logs, clean up. Each step can be the first after a crash: the container
is looked up by its name and taken from the state it is in. One that has our name but not our key is never touched.
"""

from __future__ import annotations

import asyncio
from urllib.parse import quote

from flowrt.core.effect import Json
from flowrt.core.fault import Fault, Faulted
from flowrt.effects.container.definition import Container
from flowrt.effects.container.docker_api import DockerApi, message_of
from flowrt.effects.container.docker_creation import archive, creation
from flowrt.effects.container.docker_images import DockerImages
from flowrt.effects.container.docker_logs import read_logs
from flowrt.effects.container.docker_sweep import DockerSweep
from flowrt.effects.container.engine import uninterrupted
from flowrt.effects.container.settings import ContainerSettings
from flowrt.effects.process_result import ProcessResult

_RECONNECT_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Pauses between tries to reach an engine again that went away while its container ran."""


class DockerEngine:
    """Runs containers on Docker or Podman."""

    def __init__(self, settings: ContainerSettings) -> None:
        self._settings = settings
        self._api = DockerApi(settings)
        self._images = DockerImages(self._api, settings.logins)
        self._sweep = DockerSweep(self._api)

    async def run(self, container: Container) -> ProcessResult:
        with self._sweep.sparing(container.name):
            found = await self._find(container)
            if found is None or found["State"]["Status"] in ("created", "configured", "initialized"):
                image = await self._images.have(container.image, container.pull_policy)
                await uninterrupted(self._begin(container, image, found is not None))
            code = await self._end(container)
            try:
                stdout, stderr = await self._output(container)
            except Faulted:
                await self._clean(container)
                raise
        await self._clean(container)
        return ProcessResult.decoded(code, stdout, stderr)

    async def remove(self, container: Container) -> None:
        if await self._find(container) is not None:
            await self._delete(container)

    def sweep(self) -> None:
        self._sweep.soon()

    async def close(self) -> None:
        await self._sweep.close()
        await self._api.close()

    async def _find(self, container: Container) -> Json:
        """What the engine says of our container, None if there is none."""
        answer = await self._api.call("GET", f"{_path(container)}/json", "look up the container", accept={404})
        if answer.status_code == 404:
            return None
        found = answer.json()
        if (found["Config"]["Labels"] or {}).get("flowrt.key") != container.key:
            detail = f"name {container.name!r} belongs to another container; give this one a name of its own"
            raise Faulted(Fault.of("configuration", detail, status=409))
        return found

    async def _begin(self, container: Container, image: Json, created: bool) -> None:
        if not created:
            wanted = creation(container, image, self._settings)
            path = f"/containers/create?name={quote(container.name, safe='')}"
            await self._api.call("POST", path, f"create container {container.name}", json=wanted)
        if container.stdin is not None:
            path, content = f"{_path(container)}/archive?path=/", archive(container.stdin)
            await self._api.call("PUT", path, "hand over stdin", content=content)
        path = f"{_path(container)}/start"
        started = await self._api.call("POST", path, "start the container", accept=(304, 400, 404, 500))
        if started.status_code >= 400:
            # It never ran, so there is nothing for its lifetime to keep.
            await self._delete(container)
            raise Faulted(Fault.of("runtime", f"container of {container.image} did not start: {message_of(started)}"))

    async def _end(self, container: Container) -> int:
        """The exit code, once there is one."""
        path = f"{_path(container)}/wait?condition=not-running"
        for pause_s in (*_RECONNECT_S, None):
            try:
                await self._api.call("POST", path, "wait for the container", accept={404}, patient=True)
                break
            except Faulted as failure:
                # An engine that restarts keeps its containers; a fault would have a retry start a second one.
                if pause_s is None or failure.fault.status < 500:
                    raise
                await asyncio.sleep(pause_s)
        found = await self._find(container)
        if found is None or found["State"]["Status"] == "removing":
            raise Faulted(Fault.of("runtime", f"container {container.name} was removed by somebody else"))
        return int(found["State"]["ExitCode"])

    async def _output(self, container: Container) -> tuple[bytes, bytes]:
        path = f"{_path(container)}/logs?stdout=1&stderr=1"
        async with self._api.stream("GET", path, "read the container's output") as logs:
            return await read_logs(logs.aiter_bytes(), self._settings.output_bytes)

    async def _clean(self, container: Container) -> None:
        if container.cleanup == "always":
            await self._delete(container)
        elif container.cleanup == "eventually":
            self._sweep.soon()

    async def _delete(self, container: Container) -> None:
        # In one step: a container that was only killed could be taken for one that ended by itself.
        await self._api.call("DELETE", f"{_path(container)}?force=1&v=1", "remove the container", accept=(404, 409))


def _path(container: Container) -> str:
    return f"/containers/{quote(container.name, safe='')}"
