"""Container run: the adapter of kind `container`.

A cancelled effect's container is killed and removed at once, whatever its lifetime says: the effect may be wanted
again, and must not find a container that was killed. A closed adapter leaves containers running: the same effect,
wanted again by the next process, attaches to them.
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
from collections.abc import Sequence
from typing import Any, cast

from flowrt.core.effect import Effect, Json, Outcome
from flowrt.core.fault import Fault, Faulted
from flowrt.effects.container.definition import Container, container_of, refused_volume
from flowrt.effects.container.docker import DockerEngine
from flowrt.effects.container.engine import Engine
from flowrt.effects.container.settings import ContainerSettings

_log = logging.getLogger(__name__)
_DISABLED = "run.container is off; set run.container.enabled to true to allow containers"
_EXTRA = "run.container on Kubernetes needs an extra; install it with: pip install 'flowrt[kubernetes]'"


class ContainerRun:
    """Arguments: `image`, `name`, `command` (text or list), `arguments` (list or map), `stdin`, `environment`, `ports`,
    `volumes`, `lifetime` (`cleanup`, `after` in seconds), `pullPolicy`, `return`.
    """

    def __init__(self, settings: ContainerSettings) -> None:
        self._settings = settings
        self._engine: Engine | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closing = False

    async def run(self, effect: Effect) -> Outcome:
        problem = self._unavailable()
        if problem is not None:
            raise Faulted(Fault.of("configuration", problem))
        container, engine = container_of(effect), self._chosen()
        problem = refused_volume(container.volumes, self._settings.allowed_volumes)
        if problem is not None:
            raise Faulted(Fault.of("configuration", problem))
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        self._tasks.add(task)
        try:
            result = await engine.run(container)
        except asyncio.CancelledError:
            if not self._closing:
                await asyncio.shield(_remove(engine, container))
            raise
        finally:
            self._tasks.discard(task)
        return Outcome(result.output(effect.arguments.get("return", "stdout"), "the container"))

    async def check(self, arguments: Json, base_uri: str | None) -> Sequence[str]:
        """Switched off, an extra that is missing, volumes that are not allowed."""
        volumes, lifetime = arguments.get("volumes"), arguments.get("lifetime")
        sources = [source for source in volumes if "${" not in source] if isinstance(volumes, dict) else []
        problem = self._unavailable() or refused_volume(sources, self._settings.allowed_volumes)
        if problem is not None:
            return [problem]
        if isinstance(lifetime, dict) and lifetime.get("cleanup") == "eventually":
            self._chosen().sweep()
        return []

    async def close(self) -> None:
        self._closing = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._engine is not None:
            await self._engine.close()

    def _unavailable(self) -> str | None:
        if not self._settings.enabled:
            return _DISABLED
        if self._settings.runtime == "kubernetes" and importlib.util.find_spec("kubernetes_asyncio") is None:
            return _EXTRA
        return None

    def _chosen(self) -> Engine:
        if self._engine is None:
            self._engine = _engine(self._settings)
        return self._engine


def _engine(settings: ContainerSettings) -> Engine:
    if settings.runtime == "kubernetes":
        from flowrt.effects.container.kubernetes import KubernetesEngine

        return KubernetesEngine(settings)
    return DockerEngine(settings)


async def _remove(engine: Engine, container: Container) -> None:
    try:
        await engine.remove(container)
    except Faulted as failure:
        # The task is being cancelled: nobody but the operator can be told.
        _log.warning("container %s may still run, remove it by hand: %s", container.name, failure)
