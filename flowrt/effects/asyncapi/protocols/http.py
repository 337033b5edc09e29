"""HTTP: a message is a request; a subscription is a GET whose answer goes on, or is asked for again and again.

Answers understood: server-sent events, lines of JSON (NDJSON), and any other body as one message, or one for each item
of a JSON array (long polling). A server that knows `Last-Event-ID` misses nothing between two connections.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import httpx
import orjson

from flowrt.core.fault import Faulted
from flowrt.effects.asyncapi.bindings import constant, inner, text
from flowrt.effects.asyncapi.broker import Access, Channel, Incoming, Outgoing
from flowrt.effects.asyncapi.faults import reported
from flowrt.effects.asyncapi.server_sent import events
from flowrt.effects.client import Request, Response
from flowrt.effects.client.decoding import status_fault
from flowrt.effects.client.encoding import split_content_type, with_query
from flowrt.effects.client.identity import identity_headers
from flowrt.effects.client.transport import Transport

_ACCEPT = "text/event-stream, application/x-ndjson;q=0.9, application/json;q=0.8, */*;q=0.5"
_EVENTS = "text/event-stream"
_LINES = frozenset(("application/x-ndjson", "application/jsonl", "application/json-seq", "application/x-jsonlines"))
_ASK_AGAIN_S = 1.0


class HttpBroker:
    """The channel is the path below the server's address."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def publish(self, channel: Channel, message: Outgoing) -> None:
        method = (text(channel.operation, "method") or "POST").upper()
        headers = (*message.identity, *message.headers, ("Content-Type", message.content_type))
        request = Request(method, self._url(channel), headers, message.payload)
        answered = await self._access.caller.send(request)
        if not 200 <= answered.response.status < 300:
            raise Faulted(status_fault(answered.request, answered.response))

    async def subscribe(self, channel: Channel, name: str, last: str | None) -> _Polled:
        polled = _Polled(self._access, self._url(channel), last)
        try:
            await polled.open()
        except BaseException:
            await polled.close(forget=False)
            raise
        return polled

    async def close(self) -> None:
        """Its connections are closed by those who use them."""

    def _url(self, channel: Channel) -> str:
        server = self._access.server
        described = inner(inner(channel.operation, "query"), "properties")
        query = {name: value for name, schema in described.items() if (value := constant(schema)) is not None}
        path = f"{server.path}/{channel.address.lstrip('/')}"
        return with_query(f"{'https' if server.tls else 'http'}://{server.address}{path}", query)


class _Polled:
    """The id of a server-sent event names a message."""

    def __init__(self, access: Access, url: str, last: str | None) -> None:
        self._access, self._url, self._last = access, url, last
        self._client: httpx.AsyncClient | None = None
        self._answer: httpx.Response | None = None
        self._messages: AsyncIterator[Incoming] | None = None
        self._ask_again_s = _ASK_AGAIN_S

    async def open(self) -> None:
        """Asks, so that a server which is not there is known at once."""
        headers = [("Accept", _ACCEPT), ("Cache-Control", "no-store"), *identity_headers(self._access.caller.effect)]
        if self._last is not None:
            headers.append(("Last-Event-ID", self._last))
        request = (await self._access.caller.sign(Request("GET", self._url, tuple(headers)))).request
        settings = self._access.settings
        with reported(self._access, httpx.HTTPError):
            if self._client is None:
                self._client = httpx.AsyncClient(
                    transport=Transport(settings, request.certificate),
                    # Silence is no failure: the next message may be long in coming.
                    timeout=httpx.Timeout(None, connect=settings.timeouts.connect_s),
                    headers={"user-agent": settings.user_agent, **settings.headers},
                    trust_env=False,
                )
            built = self._client.build_request("GET", request.url, headers=list(request.headers))
            self._answer = answer = await self._client.send(built, stream=True)
            if not 200 <= answer.status_code < 300:
                await self._refuse(request, answer)
        self._messages = self._read(answer)

    async def receive(self) -> Incoming:
        while True:
            if self._messages is None:
                await self.open()
                assert self._messages is not None
            with reported(self._access, httpx.HTTPError):
                message = await anext(self._messages, None)
            if message is not None:
                self._last = message.delivery or self._last
                return message
            await self._drop()
            await asyncio.sleep(self._ask_again_s)

    async def acknowledge(self, message: Incoming) -> None:
        """The next request says which event was the last."""

    async def close(self, forget: bool) -> None:
        await self._drop()
        if self._client is not None:
            with suppress(httpx.HTTPError):
                await self._client.aclose()

    async def _drop(self) -> None:
        answer, self._answer, self._messages = self._answer, None, None
        if answer is not None:
            with suppress(httpx.HTTPError):
                await answer.aclose()

    @staticmethod
    async def _refuse(request: Request, answer: httpx.Response) -> None:
        content = await answer.aread()
        headers = tuple(answer.headers.multi_items())
        refused = Response(answer.status_code, answer.reason_phrase, headers, content, request.url)
        raise Faulted(status_fault(request, refused))

    async def _read(self, answer: httpx.Response) -> AsyncIterator[Incoming]:
        media_type, _ = split_content_type(answer.headers.get("content-type"))
        shown = {name.lower(): value for name, value in answer.headers.items()}
        if media_type == _EVENTS:
            async for event in events(answer.aiter_lines()):
                if event.retry_s is not None:
                    self._ask_again_s = event.retry_s
                if event.data is not None:
                    headers = {} if event.name is None else {"event": event.name}
                    yield Incoming(event.data.encode(), headers, delivery=event.id)
        elif media_type in _LINES:
            async for line in answer.aiter_lines():
                if line.strip("\x1e \t"):
                    yield Incoming(line.strip("\x1e \t").encode(), {})
        else:
            retry_after = answer.headers.get("retry-after", "")
            if retry_after.isdecimal():
                self._ask_again_s = float(retry_after)
            for part in _parts(await answer.aread()):
                yield Incoming(part, shown, answer.headers.get("content-type"))


def _parts(content: bytes) -> list[bytes]:
    """The messages of one whole body: the items of an array, or the body itself if there is one."""
    try:
        parsed = orjson.loads(content)
    except orjson.JSONDecodeError:
        return [content] if content else []
    return [orjson.dumps(item) for item in parsed] if isinstance(parsed, list) else [content]
