"""One exchange over httpx, and the connections it reuses: the only file, with its transport, that knows the library.

Invariant: whatever the library raises leaves here as a `Faulted`; a response is read to its end or cut at the limit.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from . import faults
from .messages import ClientCertificate, Headers, Request, Response
from .settings import ClientSettings
from .transport import Transport

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_BROKEN_VALUE = re.compile(r"[\r\n\0]")
_MOST_CLIENTS = 64


@dataclass(slots=True)
class _Shared:
    client: httpx.AsyncClient
    users: int = 0


class Connections:
    """The httpx clients of one configured client and event loop, one per certificate; the least used goes first."""

    def __init__(self, settings: ClientSettings) -> None:
        self._settings = settings
        self._clients: OrderedDict[ClientCertificate | None, _Shared] = OrderedDict()

    @asynccontextmanager
    async def client(self, certificate: ClientCertificate | None) -> AsyncIterator[httpx.AsyncClient]:
        shared = self._clients.get(certificate)
        if shared is None:
            shared = self._clients[certificate] = _Shared(_connect(self._settings, certificate))
        self._clients.move_to_end(certificate)
        shared.users += 1
        try:
            yield shared.client
        finally:
            shared.users -= 1
            await self._drop_idle()

    async def _drop_idle(self) -> None:
        """Keeps the number of clients bounded when certificates come and go."""
        if len(self._clients) <= _MOST_CLIENTS:
            return
        idle = [key for key, shared in self._clients.items() if not shared.users]
        for key in idle[: len(self._clients) - _MOST_CLIENTS]:
            await self._clients.pop(key).client.aclose()

    async def close(self) -> None:
        clients = [shared.client for shared in self._clients.values()]
        self._clients.clear()
        for client in clients:
            await client.aclose()


def _connect(settings: ClientSettings, certificate: ClientCertificate | None) -> httpx.AsyncClient:
    times = settings.timeouts
    return httpx.AsyncClient(
        transport=Transport(settings, certificate),
        # Waiting for a free connection is bounded by the total time only: a busy pool is not a broken server.
        timeout=httpx.Timeout(times.read_s, connect=times.connect_s, pool=None),
        headers={"user-agent": settings.user_agent, **settings.headers},
        max_redirects=settings.max_redirects,
        trust_env=False,
        # Cookies kept here would travel from one workflow instance to another.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
    )


async def exchange(connections: Connections, settings: ClientSettings, request: Request) -> Response:
    """Sends the request once. Raises `communication` without an answer, `configuration` if it cannot be sent."""
    headers = _checked(request)
    try:
        async with connections.client(request.certificate) as client:
            built = client.build_request(request.method, request.url, headers=headers, content=request.content or None)
            if not request.content and request.method in ("POST", "PUT", "PATCH"):
                built.headers["content-length"] = "0"
            # An explicit policy that does nothing: credentials in the URL must not replace an Authorization header.
            policy = httpx.Auth() if "authorization" in built.headers else httpx.USE_CLIENT_DEFAULT
            answer = await client.send(built, stream=True, auth=policy, follow_redirects=request.follow_redirects)
            try:
                content = await _read(answer, request, settings.max_response_bytes)
            finally:
                await answer.aclose()
    except httpx.TimeoutException as error:
        raise faults.too_late(request, _limit_reached(error, settings)) from error
    except httpx.TooManyRedirects as error:
        raise faults.bad_answer(request, f"redirected more than {settings.max_redirects} times") from error
    except httpx.DecodingError as error:
        raise faults.bad_answer(request, "answered with a body that does not match its Content-Encoding") from error
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
        raise faults.misconfigured(f"{request.shown()} cannot be sent: {error}") from error
    except httpx.TransportError as error:
        raise faults.no_answer(request, str(error) or type(error).__name__) from error
    return Response(
        answer.status_code,
        _reason(answer),
        _pairs(answer.headers),
        content,
        str(answer.url),
        _pairs(answer.request.headers),
    )


def _reason(answer: httpx.Response) -> str:
    """The server's own words, which HTTP/2 does away with, or the usual ones."""
    return answer.reason_phrase or httpx.codes.get_reason_phrase(answer.status_code) or f"Status {answer.status_code}"


async def _read(answer: httpx.Response, request: Request, limit: int) -> bytes:
    content = bytearray()
    async for part in answer.aiter_bytes():
        content += part
        if len(content) > limit:
            raise faults.bad_answer(
                request, f"answered {answer.status_code} with more than {limit} bytes (max-response-bytes)"
            )
    return bytes(content)


def _checked(request: Request) -> list[tuple[bytes, bytes]]:
    """Headers as bytes. HTTP/2 would carry a line break through to a server that may split the header there."""
    for name, value in request.headers:
        if not _HEADER_NAME.fullmatch(name):
            raise faults.misconfigured(f"{request.shown()} cannot be sent: {name!r} is not a header name")
        if _BROKEN_VALUE.search(value):
            raise faults.misconfigured(f"{request.shown()} cannot be sent: header {name} has a line break in its value")
    return [(name.encode("ascii"), value.strip().encode()) for name, value in request.headers]


def _pairs(headers: httpx.Headers) -> Headers:
    return tuple((name.decode("latin-1"), value.decode("utf-8", "replace")) for name, value in headers.raw)


def _limit_reached(error: httpx.TimeoutException, settings: ClientSettings) -> str:
    if isinstance(error, httpx.ConnectTimeout):
        return f"no connection within {settings.timeouts.connect_s:g} s (connect timeout)"
    return f"silent for {settings.timeouts.read_s:g} s (read timeout)"
