"""An MCP server behind an HTTP endpoint: the streamable HTTP transport, one session for one call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from flowrt.core.effect import Effect
from flowrt.core.fault import Fault, Faulted
from flowrt.effects.auth import Authentication
from flowrt.effects.client.identity import with_identity
from flowrt.effects.mcp.arguments import Http
from flowrt.effects.mcp.connections import Connections

if TYPE_CHECKING:
    from mcp.client._transport import TransportStreams


class Endpoint:
    """One session with a server."""

    def __init__(self, wanted: Http, connections: Connections, authentication: Authentication, effect: Effect) -> None:
        # Imported here, since it brings two HTTP libraries with it.
        from flowrt.effects.mcp.bridge import Bridge

        self._wanted = wanted
        self._settings = connections.settings(effect)
        self._effect = effect
        self._bridge = Bridge(connections, authentication, wanted.policy, effect)
        self._refusal: tuple[int, str] | Faulted | None = None

    @property
    def authorization(self) -> dict[str, str] | None:
        return self._bridge.authorization

    @asynccontextmanager
    async def open(self) -> AsyncIterator[TransportStreams]:
        import httpx2
        from mcp.client.streamable_http import streamable_http_client

        settings = self._settings
        headers = {**settings.headers, "user-agent": settings.user_agent, **self._wanted.headers}
        client = httpx2.AsyncClient(
            transport=self._bridge,
            headers=list(with_identity(tuple(headers.items()), self._effect)),
            # Silence is no failure: a tool may think for long, and the whole call has its limit.
            timeout=httpx2.Timeout(None, connect=settings.timeouts.connect_s),
        )
        async with client, streamable_http_client(self._wanted.url, http_client=client) as streams:
            try:
                yield streams
            finally:
                # What is refused after the conversation, while the session is closed, is no reason of anything.
                self._refusal = self._bridge.refusal

    def explained(self, fault: Fault) -> Fault:
        """The fault with the HTTP status that the package leaves out, or the reason why nothing was sent."""
        refusal = self._refusal
        if isinstance(refusal, Faulted):
            return replace(fault, detail=f"{fault.detail}: {refusal}", status=refusal.fault.status)
        if refusal is not None:
            status, reason = refusal
            return replace(fault, detail=f"{fault.detail} (HTTP {status} {reason})", status=status)
        return fault
