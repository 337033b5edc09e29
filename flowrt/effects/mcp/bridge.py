"""Lets the MCP package, which brings an HTTP client of its own, send through ours.

Invariant: every request passes the host rules, TLS settings and proxy of the task's client and is signed by the
endpoint's policy; none of them is sent any other way.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import httpx2

from flowrt.core.effect import Effect, Json
from flowrt.core.fault import Faulted
from flowrt.effects.auth import Authentication, Signed
from flowrt.effects.client import Request
from flowrt.effects.mcp.connections import Connections

_UNAUTHORIZED = 401
_CONVERSING = ("digest", "oauth2", "oidc")
"""Policies that may fare better the second time."""
_PARTING = {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), 2.0)}
"""The end of a session is told as a courtesy; a server that does not answer must not hold up a cancelled task."""
_OF_THE_BODY = ("content-encoding", "content-length", "transfer-encoding")


class Bridge(httpx2.AsyncBaseTransport):
    """The transport of one call. `refusal` and `authorization` are what it has met and shown."""

    def __init__(self, connections: Connections, authentication: Authentication, policy: Json, effect: Effect) -> None:
        self._connections = connections
        self._authentication = authentication
        self._policy = policy
        self._effect = effect
        self.refusal: tuple[int, str] | Faulted | None = None
        """The last error status with its reason, or the last fault of our own."""
        self.authorization: dict[str, str] | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw)
        wanted = Request(request.method, str(request.url), headers, await request.aread())
        try:
            signed = await self._authentication.sign(wanted, self._policy, self._effect)
            response = await self._send(signed, request.extensions)
            if response.status_code == _UNAUTHORIZED and any(kind in (self._policy or ()) for kind in _CONVERSING):
                await response.aclose()
                response = await self._send_again(wanted)
        except Faulted as error:
            self.refusal = error
            raise httpx2.ConnectError(str(error)) from error
        if response.status_code >= 400 and request.method == "POST":
            self.refusal = (response.status_code, response.reason_phrase)
        return response

    async def _send(self, signed: Signed, extensions: Any) -> httpx2.Response:
        self.authorization = signed.authorization
        request = signed.request
        sent = httpx.Request(
            request.method,
            request.url,
            headers=[(name.encode("latin-1"), value.encode()) for name, value in request.headers],
            content=request.content,
            extensions={**extensions, **(_PARTING if request.method == "DELETE" else {})},
        )
        transport = self._connections.transport(self._effect, request.certificate)
        with _as_httpx2():
            response = await transport.handle_async_request(sent)
        return httpx2.Response(
            response.status_code,
            headers=response.headers.raw,
            stream=_Body(response),
            extensions={"http_version": response.extensions.get("http_version", b"HTTP/1.1")},
        )

    async def _send_again(self, request: Request) -> httpx2.Response:
        """Through the policy's own conversation, which reads answers whole; what follows is signed with its outcome."""
        answered = await self._authentication.send(request, self._policy, self._effect)
        self.authorization = answered.authorization
        headers = [pair for pair in answered.response.headers if pair[0].lower() not in _OF_THE_BODY]
        return httpx2.Response(answered.response.status, headers=headers, content=answered.response.content)


class _Body(httpx2.AsyncByteStream):
    def __init__(self, response: httpx.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx2():
            async for part in self._response.aiter_raw():
                yield part

    async def aclose(self) -> None:
        await self._response.aclose()


@contextmanager
def _as_httpx2() -> Iterator[None]:
    """Exceptions of one library become those of the same name of the other."""
    try:
        yield
    except httpx.TransportError as error:
        raise getattr(httpx2, type(error).__name__, httpx2.TransportError)(str(error)) from error
