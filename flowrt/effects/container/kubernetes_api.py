"""Kubernetes API: the connection to a cluster, and its errors as faults.

Needs the extra `kubernetes`; imported only when Kubernetes is the runtime.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Collection
from pathlib import Path
from typing import Any

import aiohttp
from kubernetes_asyncio import client, config
from kubernetes_asyncio.client.exceptions import ApiException
from kubernetes_asyncio.config.incluster_config import SERVICE_TOKEN_FILENAME

from flowrt.core.fault import Fault, Faulted
from flowrt.effects.container.settings import KubernetesSettings

TIMEOUT_S = (5, 60)
"""To connect, and between two parts of an answer."""


class KubernetesApi:
    """One cluster and namespace. `jobs` and `core` are the generated clients; `call` awaits what they give."""

    def __init__(self, settings: KubernetesSettings) -> None:
        self._settings = settings
        self._client: Any = None
        self._opening = asyncio.Lock()
        self.namespace = settings.namespace
        self.jobs: Any = None
        self.core: Any = None

    async def open(self) -> None:
        async with self._opening:
            if self._client is None:
                configuration = client.Configuration()
                await self._configure(configuration)
                self._client = client.ApiClient(configuration=configuration)
                self.jobs, self.core = client.BatchV1Api(self._client), client.CoreV1Api(self._client)

    async def call(self, request: Awaitable[Any], what: str, *, accept: Collection[int] = ()) -> Any:
        """The answer, None for a status in `accept`. Raises `Faulted`: 503 when the cluster cannot be reached."""
        try:
            return await request
        except ApiException as refusal:
            if refusal.status in accept:
                return None
            raise refused(what, refusal.status, refusal.body) from refusal
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            host = self._client.configuration.host
            detail = f"Kubernetes could not {what}: no answer at {host} ({str(error) or type(error).__name__})"
            raise Faulted(Fault.of("communication", detail, status=503)) from error

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()

    async def _configure(self, configuration: Any) -> None:
        wanted = self._settings
        try:
            if wanted.kubeconfig is None and Path(SERVICE_TOKEN_FILENAME).exists():
                config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
                return
            file = None if wanted.kubeconfig is None else str(wanted.kubeconfig)
            await config.load_kube_config(file, wanted.context, configuration, persist_config=False)
        except (config.ConfigException, OSError) as error:
            detail = f"no way to Kubernetes: {error}; set run.container.kubeconfig"
            raise Faulted(Fault.of("configuration", detail)) from error


def refused(what: str, status: int, body: str | bytes | None) -> Faulted:
    """The fault of a request that the cluster answered with an error; its message if the body has one."""
    try:
        message = str(json.loads(body or "")["message"])
    except (ValueError, KeyError, TypeError):
        message = f"status {status}"
    return Faulted(Fault.of("communication", f"Kubernetes could not {what}: {message}", status=status))
