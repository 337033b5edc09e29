"""Docker API: requests to an engine that speaks it (Docker or Podman), over its socket.

A thin client of our own on httpx, which is there anyway and speaks HTTP over unix sockets: eight requests do not pay
for a second HTTP library. Paths carry no version, so each engine answers with the newest it knows.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from flowrt.core.fault import Fault, Faulted
from flowrt.effects.container.settings import ContainerSettings

_TIMEOUT = httpx.Timeout(60.0, connect=5.0)
_PATIENT = httpx.Timeout(60.0, connect=5.0, read=None)
"""For answers that come when a container ends or an image has arrived."""
_SOCKETS = {
    "docker": ("/var/run/docker.sock", "/run/user/{uid}/docker.sock"),
    "podman": ("/run/podman/podman.sock", "/run/user/{uid}/podman/podman.sock"),
}


class DockerApi:
    """One engine. Every method raises `Faulted` of type communication: 503 when the engine cannot be reached."""

    def __init__(self, settings: ContainerSettings) -> None:
        self._runtime = settings.runtime
        self._settings = settings
        self._client: httpx.AsyncClient | None = None
        self.host = settings.host or _usual(settings.runtime)

    async def call(
        self, method: str, path: str, what: str, *, accept: Collection[int] = (), patient: bool = False, **more: Any
    ) -> httpx.Response:
        """The answer: a success, or one of the statuses in `accept`. `what` says in a fault what was being done."""
        try:
            answer = await self._open().request(method, path, timeout=_PATIENT if patient else _TIMEOUT, **more)
        except httpx.TransportError as error:
            raise self._unreachable(what, error) from error
        if not answer.is_success and answer.status_code not in accept:
            raise self._refused(what, answer)
        return answer

    @asynccontextmanager
    async def stream(self, method: str, path: str, what: str, **more: Any) -> AsyncIterator[httpx.Response]:
        """The answer, a success, with its content still to be read."""
        try:
            async with self._open().stream(method, path, timeout=_PATIENT, **more) as answer:
                if not answer.is_success:
                    await answer.aread()
                    raise self._refused(what, answer)
                yield answer
        except httpx.TransportError as error:
            raise self._unreachable(what, error) from error

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    def _open(self) -> httpx.AsyncClient:
        if self._client is None:
            scheme, _, place = self.host.partition("://")
            limits = httpx.Limits(max_connections=None, max_keepalive_connections=4)
            if scheme == "unix":
                transport, url = httpx.AsyncHTTPTransport(uds=place, limits=limits), "http://engine"
            else:
                context = _context(self._settings.certificates)
                transport = httpx.AsyncHTTPTransport(verify=context or True, limits=limits)
                url = f"{'https' if context or scheme == 'https' else 'http'}://{place}"
            self._client = httpx.AsyncClient(transport=transport, base_url=url, trust_env=False)
        return self._client

    def _refused(self, what: str, answer: httpx.Response) -> Faulted:
        detail = f"{self._runtime} could not {what}: {message_of(answer)}"
        return Faulted(Fault.of("communication", detail, status=answer.status_code))

    def _unreachable(self, what: str, error: httpx.TransportError) -> Faulted:
        advice = "start the engine, or set run.container.socket to where it listens"
        reason = str(error) or type(error).__name__
        detail = f"{self._runtime} could not {what}: no answer at {self.host} ({reason}); {advice}"
        return Faulted(Fault.of("communication", detail, status=503))


def message_of(answer: httpx.Response) -> str:
    """What an engine says is wrong."""
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return answer.text.strip() or f"status {answer.status_code}"


def _usual(runtime: str) -> str:
    """The first of the runtime's usual sockets that exists, else the first, which then is named in the fault."""
    paths = [path.format(uid=os.getuid()) for path in _SOCKETS[runtime]]
    return "unix://" + next((path for path in paths if Path(path).exists()), paths[0])


def _context(folder: Path | None) -> ssl.SSLContext | None:
    if folder is None:
        return None
    context = ssl.create_default_context(cafile=folder / "ca.pem")
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context
