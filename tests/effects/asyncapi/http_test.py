"""AsyncAPI over HTTP: requests, server-sent events, lines of JSON, long polling."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from flowrt.core.fault import Faulted
from tests.effects.asyncapi.conftest import Run, document
from tests.effects.http.local_web import Answer, Web, answer, listening

Json = Any
RunOn = Callable[..., Run]


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    async with Web() as server:
        yield server


async def test_a_message_is_a_request_to_the_channel(web: Web, run_on: RunOn) -> None:
    web.on["/v1/chat/rooms"] = answer(202)
    written = document(web.url, "/chat/rooms", operation_bindings={"http": {"method": "PUT"}})
    written["servers"]["main"]["pathname"] = "/v1"
    policy = {"bearer": {"token": "t0ken"}}
    outcome = await run_on(written).publish({"text": "hi"}, {"Room": 7}, authentication=policy)
    [asked] = web.asked
    assert (asked.method, asked.path, asked.json()) == ("PUT", "/v1/chat/rooms", {"text": "hi"})
    assert asked.header("content-type") == "application/json"
    assert asked.header("room") == "7"
    assert asked.header("authorization") == "Bearer t0ken"
    assert asked.header("idempotency-key") is not None
    assert outcome.output["payload"] == {"text": "hi"}


async def test_what_the_server_says_no_to_is_a_fault_with_its_status(web: Web, run_on: RunOn) -> None:
    web.on["/chat"] = answer(409, text="the room is closed")
    with pytest.raises(Faulted) as caught:
        await run_on(document(web.url, "/chat")).publish({})
    assert (caught.value.fault.status, caught.value.fault.detail) == (409, "the room is closed")


async def test_a_json_array_is_several_messages_and_the_server_is_asked_again(web: Web, run_on: RunOn) -> None:
    answers = iter([answer(200, [{"n": 1}, {"n": 2}]), Answer(204), answer(200, {"n": 3})])

    async def later(_: Any) -> Answer:
        return next(answers)

    web.on["/chat"] = later
    run = run_on(document(web.url, "/chat"))
    assert [(await run.receive())["payload"] for _ in range(3)] == [{"n": 1}, {"n": 2}, {"n": 3}]
    await run.end()


async def test_a_subscription_that_is_refused_is_a_fault_at_once(web: Web, run_on: RunOn) -> None:
    web.on["/chat"] = answer(403, text="not you")
    with pytest.raises(Faulted) as caught:
        await run_on(document(web.url, "/chat")).receive()
    assert (caught.value.fault.status, caught.value.fault.detail) == (403, "not you")


class Stream:
    """A server that answers each request with a stream of its own; it remembers what it was asked."""

    def __init__(self, media_type: str, *parts: str) -> None:
        self.media_type, self.parts = media_type, list(parts)
        self.asked: list[str] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: {self.media_type}\r\nConnection: close\r\n\r\n".encode())
        if self.parts:
            writer.write(self.parts.pop(0).encode())
            await writer.drain()
        else:
            await reader.read()


async def test_server_sent_events_go_on_after_the_last_id(run_on: RunOn) -> None:
    first = 'retry: 10\n\n: comment\nid: 41\nevent: said\ndata: {"n":\ndata: 1}\n\nid: 42\ndata: two\n\ndata: cut off'
    stream = Stream("text/event-stream; charset=utf-8", first, "data: 3\r\n\r\n")
    async with listening(stream) as port:
        run = run_on(document(f"http://127.0.0.1:{port}", "events"))
        messages = [await run.receive() for _ in range(3)]
        await run.end()
    assert [each["payload"] for each in messages] == [{"n": 1}, "two", 3]
    assert messages[0]["headers"] == {"event": "said"}
    assert "last-event-id" not in stream.asked[0].lower()
    assert "\r\nLast-Event-ID: 42\r\n" in stream.asked[1]


async def test_an_event_that_the_instance_has_is_passed_over(run_on: RunOn) -> None:
    """As a server would send it that does not know `Last-Event-ID`."""
    stream = Stream("text/event-stream", "id: 41\ndata: 1\n\nid: 42\ndata: 2\n\n")
    async with listening(stream) as port:
        run = run_on(document(f"http://127.0.0.1:{port}", "events"))
        run.received, run.last = 1, "41"
        assert (await run.receive())["payload"] == 2
        assert "\r\nLast-Event-ID: 41\r\n" in stream.asked[0]
        await run.end()


async def test_lines_of_json_are_messages(run_on: RunOn) -> None:
    stream = Stream("application/x-ndjson", '{"n": 1}\n\n{"n": 2}\n')
    async with listening(stream) as port:
        run = run_on(document(f"http://127.0.0.1:{port}", "lines"))
        assert [(await run.receive())["payload"] for _ in range(2)] == [{"n": 1}, {"n": 2}]
        await run.end()
