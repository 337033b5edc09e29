"""The connections of one client: an httpcore pool under an httpx transport, with the host rules built in.

Invariant: every hop of a redirect passes `handle_async_request`, every connection passes `GuardedNetwork`; so no rule
can be slipped past by a redirect or by a name whose address changes between the check and the connection.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager

import httpcore
import httpx
from httpcore import SOCKET_OPTION

from flowrt.core.fault import Faulted

from .hosts import HostRules
from .messages import ClientCertificate
from .settings import ClientSettings
from .tls import tls_context

_HTTPCORE_ERRORS = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
)


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Resolves a name, checks the addresses, and connects to one that was checked."""

    def __init__(self, rules: HostRules) -> None:
        self._rules = rules
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in await self._checked(host, port, timeout):
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def _checked(self, host: str, port: int, timeout: float | None) -> list[str]:
        try:
            async with asyncio.timeout(timeout):
                found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(f"looking up {host} took too long") from error
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"looking up {host}: {error}") from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        allowed, refusal = [], None
        for address in addresses:
            try:
                self._rules.check_address(host, address)
                allowed.append(address)
            except Faulted as error:
                refusal = error
        if refusal is not None and not allowed:
            raise refusal
        return allowed


class Transport(httpx.AsyncBaseTransport):
    """One pool of connections, without anything taken from the environment."""

    def __init__(self, settings: ClientSettings, certificate: ClientCertificate | None) -> None:
        self._rules = HostRules(settings.hosts)
        proxy = httpx.Proxy(settings.proxy) if settings.proxy else None
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls_context(settings.tls, certificate),
            proxy=_pool_proxy(proxy) if proxy else None,
            max_connections=settings.pool.max_connections,
            max_keepalive_connections=settings.pool.max_idle,
            keepalive_expiry=settings.pool.idle_s,
            http2=settings.http2,
            # A proxy does the lookup itself, and may well live on an address that workflows must not reach.
            network_backend=None if proxy else GuardedNetwork(self._rules),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._rules.check_name(request.url.host)
        url = request.url
        with _as_httpx(request):
            response = await self._pool.handle_async_request(
                httpcore.Request(
                    method=request.method,
                    url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        return httpx.Response(
            response.status,
            headers=response.headers,
            stream=_Body(request, response),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Body(httpx.AsyncByteStream):
    def __init__(self, request: httpx.Request, response: httpcore.Response) -> None:
        self._request = request
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx(self._request):
            async for part in self._response.aiter_stream():
                yield part

    async def aclose(self) -> None:
        await self._response.aclose()


def _pool_proxy(proxy: httpx.Proxy) -> httpcore.Proxy:
    url = proxy.url
    return httpcore.Proxy(
        url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        auth=proxy.raw_auth,
        headers=proxy.headers.raw,
    )


@contextmanager
def _as_httpx(request: httpx.Request) -> Iterator[None]:
    """httpcore's exceptions become httpx's of the same name."""
    try:
        yield
    except _HTTPCORE_ERRORS as error:
        raise getattr(httpx, type(error).__name__, httpx.TransportError)(str(error), request=request) from error
