"""Outside: the adapters of a process and its loader of external documents, sharing one HTTP client.

Each is made when it is first needed, so that what a process does not use is not imported.
"""

from __future__ import annotations

import functools
import importlib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from flowrt.config.load import ConfigProblem, to_seconds
from flowrt.config.model import Config
from flowrt.core.effect import Adapter
from flowrt.core.fault import Faulted
from flowrt.effects import ADAPTERS

NEEDS: dict[str, tuple[str, ...]] = {
    "http": ("clients", "authentication"),
    "openapi": ("authentication", "resources"),
    "grpc": ("clients", "authentication", "resources", "tls_servers"),
    "asyncapi": ("clients", "authentication", "resources"),
    "mcp": ("clients", "authentication", "processes"),
    "a2a": ("authentication", "resources"),
    "shell": ("processes",),
    "script": ("processes",),
    "container": ("containers",),
}
"""Kind of effect -> what its adapter is made of: the names of properties below."""


class Outside:
    """Makes adapters from the configuration. `trusted`: as `flowrt run` on one's own file, everything is allowed."""

    def __init__(self, config: Config, trusted: bool) -> None:
        self._config, self._trusted = config, trusted

    def factories(self) -> dict[str, Callable[[], Adapter]]:
        """How to make the adapter of each kind."""
        return {kind: functools.partial(self._make, kind) for kind in ADAPTERS}

    async def fetch(self, wanted: list[tuple[str, object]], base_uri: str | None) -> dict[str, bytes]:
        """The external documents a definition needs; one that cannot be had is left out."""
        found: dict[str, bytes] = {}
        for uri, authentication in wanted:
            try:
                resource = await self.resources.load(uri, authentication, base_uri)
            except Faulted:
                continue
            found[uri] = resource.content
        return found

    async def close(self) -> None:
        """Closes the connections that belong to the running event loop; whoever still has to connects anew."""
        if "clients" in self.__dict__:
            await self.clients.close()

    @functools.cached_property
    def clients(self) -> Any:
        """The HTTP clients: the default one and the named ones."""
        from flowrt.effects.client import Clients, ClientSettings

        named = {name: client_settings(name, values) for name, values in self._config.http.clients.items()}
        return Clients(named.pop("default", ClientSettings()), named)

    @functools.cached_property
    def authentication(self) -> Any:
        """What signs requests; its tokens are shared by all instances."""
        from flowrt.effects.auth import Authentication

        return Authentication(self.clients)

    @functools.cached_property
    def resources(self) -> Any:
        """The loader of external documents."""
        from flowrt.effects.resources import Resources, ResourceSettings

        allowed = self._trusted or self._config.http.allow_files
        folders = (str(Path(self._config.workflows.path).resolve()),)
        return Resources(self.authentication, ResourceSettings(allow_files=allowed, folders=folders))

    @property
    def tls_servers(self) -> Sequence[str]:
        """Which gRPC servers speak TLS on other ports than 443."""
        return self._config.grpc.tls_servers

    @functools.cached_property
    def processes(self) -> Any:
        """What shell commands, scripts and MCP servers that are programs may do."""
        from flowrt.effects.process import ProcessSettings

        run = self._config.run
        return ProcessSettings(
            shell_enabled=run.shell.enabled or self._trusted,
            allowed_commands=run.shell.commands,
            script_enabled=run.script.enabled or self._trusted,
            path=os.environ.get("PATH", os.defpath),
            memory_bytes=run.limits.memory,
            cpu_s=int(run.limits.cpu),
            wall_s=run.limits.time,
            output_bytes=run.limits.output,
        )

    @functools.cached_property
    def containers(self) -> Any:
        """Which engine runs containers, and what they may use."""
        from flowrt.effects.container.settings import ContainerSettings, KubernetesSettings

        run = self._config.run.container
        return ContainerSettings(
            enabled=run.enabled or self._trusted,
            runtime=run.runtime,  # type: ignore[arg-type]  # one of the words the configuration allows
            host=run.host or os.environ.get("DOCKER_HOST"),
            allowed_volumes=None if self._trusted and run.volumes is None else run.volumes or (),
            network=run.network,
            kubernetes=KubernetesSettings(run.namespace, Path(run.kubeconfig) if run.kubeconfig else None),
        )

    def _make(self, kind: str) -> Adapter:
        module, _, name = ADAPTERS[kind].partition(":")
        adapter = getattr(importlib.import_module(module), name)
        names = {"processes": "settings", "containers": "settings"}
        made: Adapter = adapter(**{names.get(need, need): getattr(self, need) for need in NEEDS[kind]})
        return made


def client_settings(name: str, values: Mapping[str, Any]) -> Any:
    """One HTTP client's settings from its section. Raises `ConfigProblem`."""
    from flowrt.effects.client.reading import client_settings as read

    try:
        return read(values, to_seconds)
    except ValueError as error:
        raise ConfigProblem([f"http.clients.{name}: {error}"]) from None
