"""The specification's examples of gRPC, MCP and AsyncAPI calls."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from websockets.asyncio.server import ServerConnection, serve

from tests.conformance.examples.stage import Stage
from tests.effects.grpc.library_server import generated
from tests.effects.http.local_web import answer

Json = Any
GREETER = """
syntax = "proto3";
package GreeterApi;
service Greeter { rpc SayHello (HelloRequest) returns (HelloReply); }
message HelloRequest { string name = 1; }
message HelloReply { string message = 1; }
"""
SLACK = """
from mcp.server.mcpserver import MCPServer
server = MCPServer("slack")

@server.tool()
def conversations_add_message(channel_id: str, thread_ts: str, payload: str, content_type: str) -> str:
    return f"{payload} to {channel_id}"

server.run("stdio")
"""


async def test_a_grpc_method(stage: Stage, tmp_path: Path) -> None:
    proto = tmp_path / "greet.proto"
    proto.write_text(GREETER)
    messages, services = generated(tmp_path, tmp_path, ["greet.proto"])

    class Greeter:
        async def SayHello(self, request: Any, context: Any) -> Any:
            return messages.HelloReply(message=f"Hello {request.name}!")

    server = grpc.aio.server()
    services.add_GreeterServicer_to_server(Greeter(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    addresses = {"file://app/greet.proto": proto.as_uri(), "port: 5011": f"port: {port}"}
    user = {"user": {"preferredDisplayName": "Ann"}}
    assert await stage.output("call-grpc", user, addresses) == {"message": "Hello Ann!"}
    await server.stop(None)


async def test_a_tool_of_an_mcp_server(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "slack.py").write_text(SLACK)
    npx = tmp_path / "npx"
    npx.write_text(f'#!/bin/sh\n[ "$1" = slack-mcp-serverr@latest ] && exec {sys.executable} {tmp_path}/slack.py\n')
    npx.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    output = await stage.output("call-mcp")
    assert output["content"] == [{"type": "text", "text": "Hello, world! :wave: to C1234567890"}]


async def test_a_message_is_published(stage: Stage) -> None:
    stage.web.on["/docs/asyncapi.json"] = answer(
        200,
        {
            "asyncapi": "3.0.0",
            "info": {"title": "pets", "version": "1"},
            "servers": {
                "production": {"host": "127.0.0.1:1", "protocol": "http"},
                "staging": {"host": f"127.0.0.1:{stage.web.port}", "protocol": "http"},
            },
            "channels": {"pets": {"address": "/pets", "messages": {"any": {"payload": {}}}}},
            "operations": {"findPetsByStatus": {"action": "send", "channel": {"$ref": "#/channels/pets"}}},
        },
    )
    stage.web.on["/pets"] = answer(202)
    await stage.output("call-asyncapi-publish", {"pet": {"id": 7}, "token": "t0ken"})
    sent = stage.web.asked[-1]
    assert (sent.path, sent.json(), sent.header("authorization")) == ("/pets", {"petId": 7}, "Bearer t0ken")


class Notifications:
    """A WebSocket server that tells everybody who comes the same, of which the examples filter one out."""

    port = 0
    here = 0

    async def __call__(self, connection: ServerConnection) -> None:
        self.here += 1
        await connection.send(json.dumps({"from": {"firstName": "Bob"}, "n": 0}))
        for number in range(1, 7):
            await connection.send(json.dumps({"from": {}, "n": number}))
        await connection.wait_closed()
        self.here -= 1


@pytest.fixture
async def notifications(stage: Stage) -> AsyncIterator[Notifications]:
    notifications = Notifications()
    async with serve(notifications, "127.0.0.1", 0) as server:
        notifications.port = server.sockets[0].getsockname()[1]
        stage.web.on["/docs/asyncapi.json"] = answer(
            200,
            {
                "asyncapi": "3.0.0",
                "info": {"title": "notifications", "version": "1"},
                "servers": {"main": {"host": f"127.0.0.1:{notifications.port}", "protocol": "ws"}},
                "channels": {"/notifications": {"address": "/notifications", "messages": {"any": {"payload": {}}}}},
                "operations": {
                    "getNotifications": {"action": "receive", "channel": {"$ref": "#/channels/~1notifications"}}
                },
            },
        )
        yield notifications


def numbers(messages: list[Json]) -> list[int]:
    return [message["n"] if "n" in message else message["payload"]["n"] for message in messages]


async def test_an_amount_of_messages(stage: Stage, notifications: Notifications) -> None:
    assert numbers(await stage.output("call-asyncapi-subscribe-consume-amount")) == [1, 2, 3, 4, 5]
    await stage.until(lambda: notifications.here == 0)


async def test_tasks_for_each_message_for_ever(stage: Stage, notifications: Notifications) -> None:
    handle = await stage.start("call-asyncapi-subscribe-consume-forever-foreach")
    events = await stage.events(6)
    assert {event["type"] for event in events} == {"io.serverlessworkflow.samples.asyncapi.message.consumed.v1"}
    assert numbers([event["data"]["message"] for event in events]) == [1, 2, 3, 4, 5, 6]
    await handle.cancel()
    await stage.until(lambda: notifications.here == 0)


async def test_messages_for_a_time(stage: Stage, notifications: Notifications) -> None:
    # Nothing in the example writes the context that `until` reads: it ends with its time.
    output = await stage.output("call-asyncapi-subscribe-consume-until", None, {"minutes: 30": "seconds: 1"})
    assert numbers(output) == [1, 2, 3, 4, 5, 6]


async def test_messages_while_a_condition_holds(stage: Stage, notifications: Notifications) -> None:
    # Nothing in the example writes the context that `while` reads: it asks the same of what came instead.
    handle = await stage.start("call-asyncapi-subscribe-consume-while")
    await stage.until(lambda: notifications.here == 1)
    await handle.cancel()
    output = await stage.output(
        "call-asyncapi-subscribe-consume-while", None, {"$context.consumedMessages | length": "length"}
    )
    assert numbers(output) == [1, 2, 3, 4, 5]
