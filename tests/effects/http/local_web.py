"""A real HTTP/1.1 server on 127.0.0.1 for tests: it answers as told and remembers what it was asked."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import h11


@dataclass(frozen=True)
class Asked:
    """One request as the server got it; header names in lower case."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    connection: int

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name.lower()), None)

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: bytes = b""
    headers: Sequence[tuple[str, str]] = ()
    reason: str = ""


def answer(status: int = 200, json_body: Any = None, *, text: str | None = None, **headers: str) -> Answer:
    """JSON unless `text` is given; header names with underscores for hyphens."""
    body, kind = (text.encode(), "text/plain") if text is not None else (json.dumps(json_body).encode(), None)
    pairs = [(name.replace("_", "-"), value) for name, value in headers.items()]
    if not any(name.lower() == "content-type" for name, _ in pairs):
        pairs.append(("Content-Type", kind or "application/json"))
    return Answer(status, body, pairs)


Responder = Callable[[Asked], Answer | Awaitable[Answer]]


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(talk: Talk, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A port on 127.0.0.1 where each connection is talked to; all of them are closed at the end."""
    tasks: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.CancelledError):
            await talk(reader, writer)
        await closed(writer)

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks[asyncio.create_task(converse(reader, writer))] = writer

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        # One turn, so that a connection that is already accepted is closed with the others.
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # A task that was cancelled before its first step has closed nothing.
        for writer in tasks.values():
            await closed(writer)
        await server.wait_closed()


async def closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError, asyncio.CancelledError, ssl.SSLError):
        await writer.wait_closed()


@dataclass
class Web:
    """`on[path]` says how to answer, `fallback` all the rest."""

    tls: ssl.SSLContext | None = None
    on: dict[str, Responder | Answer] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    fallback: Answer = field(default_factory=lambda: Answer(404, b"no such page", [("Content-Type", "text/plain")]))
    connections: int = 0
    port: int = 0
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Web:
        self.port = await self._stack.enter_async_context(listening(self._serve, self.tls))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        await self._converse(reader, writer, self.connections)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        connection = h11.Connection(h11.SERVER)
        while True:
            request, body = None, b""
            while True:
                event = connection.next_event()
                if event is h11.NEED_DATA:
                    connection.receive_data(await reader.read(65536))
                elif isinstance(event, h11.Request):
                    request = event
                elif isinstance(event, h11.Data):
                    body += bytes(event.data)
                elif isinstance(event, h11.EndOfMessage):
                    break
                else:
                    return
            assert request is not None
            headers = [(name.decode(), value.decode()) for name, value in request.headers]
            asked = Asked(request.method.decode(), request.target.decode(), headers, body, number)
            self.asked.append(asked)
            reply = await self._reply(asked)
            pairs = list(reply.headers)
            if not any(name.lower() in ("content-length", "transfer-encoding") for name, _ in pairs):
                pairs.append(("Content-Length", str(len(reply.body))))
            head = h11.Response(status_code=reply.status, headers=pairs, reason=reply.reason.encode())
            writer.write(connection.send(head) or b"")
            if reply.body and asked.method != "HEAD":
                writer.write(connection.send(h11.Data(data=reply.body)) or b"")
            writer.write(connection.send(h11.EndOfMessage()) or b"")
            await writer.drain()
            if connection.our_state is h11.MUST_CLOSE:
                return
            connection.start_next_cycle()

    async def _reply(self, asked: Asked) -> Answer:
        responder = self.on.get(asked.path, self.fallback)
        if isinstance(responder, Answer):
            return responder
        reply = responder(asked)
        return reply if isinstance(reply, Answer) else await reply
