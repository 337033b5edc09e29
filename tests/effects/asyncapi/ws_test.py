"""AsyncAPI over WebSocket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from flowrt.core.fault import PREFIX, Faulted
from tests.effects.asyncapi.conftest import Run, document, until

Json = Any
RunOn = Callable[..., Run]


class Chat:
    """A server where everybody hears everybody else; it remembers who came and what was said."""

    def __init__(self) -> None:
        self.here: set[ServerConnection] = set()
        self.came: list[tuple[str, dict[str, str]]] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def __call__(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.came.append((connection.request.path, dict(connection.request.headers.raw_items())))
        self.here.add(connection)
        async for said in connection:
            for other in self.here - {connection}:
                await other.send(said)
        self.here.discard(connection)


@pytest.fixture
async def chat() -> AsyncIterator[Chat]:
    chat = Chat()
    async with serve(chat, "127.0.0.1", 0) as server:
        chat.port = server.sockets[0].getsockname()[1]
        yield chat


async def test_what_is_published_is_received(chat: Chat, run_on: RunOn) -> None:
    bindings = {"ws": {"query": {"type": "object", "properties": {"room": {"const": "red"}}}}}
    run = run_on(document(chat.url, "/rooms", channel_bindings=bindings))
    waiting = await run.subscribing()
    await run.publish({"text": "hi"}, {"Color": "red"}, authentication={"basic": {"username": "u", "password": "p"}})
    assert (await waiting)["payload"] == {"text": "hi"}
    path, headers = chat.came[1]
    assert path == "/rooms?room=red"
    assert (headers["Color"], headers["Authorization"]) == ("red", "Basic dTpw")
    assert "Idempotency-Key" in headers
    await run.end()
    await until(lambda: not chat.here)


async def test_a_connection_that_the_server_ends_is_made_again(chat: Chat, run_on: RunOn) -> None:
    run = run_on(document(chat.url, "/rooms"))
    waiting = await run.subscribing()
    [first] = chat.here
    await first.close()
    await until(lambda: len(chat.came) == 2 and len(chat.here) == 1)
    await run.publish("again")
    assert (await waiting)["payload"] == "again"
    await run.end()


async def test_a_handshake_that_is_refused_is_a_fault(run_on: RunOn) -> None:
    async def refuse(connection: ServerConnection, request: Any) -> Any:
        return connection.respond(401 if request.path == "/in" else 404, "no\n")

    async with serve(lambda connection: connection.wait_closed(), "127.0.0.1", 0, process_request=refuse) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(Faulted) as caught:
            await run_on(document(url, "in")).publish("x")
        assert caught.value.fault.type == f"{PREFIX}authentication"
        with pytest.raises(Faulted) as caught:
            await run_on(document(url, "out")).receive()
        assert (caught.value.fault.type, caught.value.fault.status) == (f"{PREFIX}communication", 404)


async def test_redirects_are_not_followed(chat: Chat, run_on: RunOn) -> None:
    async def elsewhere(connection: ServerConnection, request: Any) -> Any:
        response = connection.respond(302, "")
        response.headers["Location"] = f"{chat.url}/rooms"
        return response

    async with serve(lambda connection: connection.wait_closed(), "127.0.0.1", 0, process_request=elsewhere) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(Faulted) as caught:
            await run_on(document(url, "rooms")).publish("x")
    assert caught.value.fault.status == 302
    assert chat.came == []
