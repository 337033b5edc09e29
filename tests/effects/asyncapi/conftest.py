"""What the tests of AsyncAPI calls share: a document beside the definition, adapters, a workflow's side of a call."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from flowrt.core.effect import Effect, Outcome
from flowrt.effects.asyncapi import AsyncapiCall
from flowrt.effects.asyncapi.sessions import Patience
from flowrt.effects.auth import Authentication
from flowrt.effects.client import Clients, ClientSettings, Timeouts
from flowrt.effects.resources import Resources

Json = Any
PATIENT_S = 30
_ITERATIONS = count()


@dataclass
class Run:
    """One run of a task that publishes or subscribes, as the machine would carry it on."""

    call: AsyncapiCall
    effect: Callable[..., Effect]
    received: int = 0
    last: str | None = None
    messages: list[Json] = field(default_factory=list)

    async def publish(self, payload: Json, headers: Json = None, **arguments: Json) -> Outcome:
        message = {"payload": payload} if headers is None else {"payload": payload, "headers": headers}
        effect = self.effect(message=message, operation="send", **arguments)
        # Brokers that recognise a repeated message by its key would take two of one iteration for one.
        return await self.call.run(replace(effect, iteration=next(_ITERATIONS)))

    async def ask(self, **arguments: Json) -> Json:
        """The outcome of the effect that would come next, without what follows from it."""
        progress = {"iteration": 0, "received": self.received, "last": self.last}
        effect = self.effect(subscription=progress, operation="receive", **arguments)
        return (await asyncio.wait_for(self.call.run(effect), PATIENT_S)).output

    async def receive(self, **arguments: Json) -> Json:
        """The next message, committed."""
        output = await self.ask(**arguments)
        self.received += 1
        self.last = output.get("delivery")
        message = {name: value for name, value in output.items() if name != "delivery"}
        self.messages.append(message)
        return message

    async def end(self, **arguments: Json) -> None:
        progress = {"iteration": 0, "received": self.received, "last": self.last, "ends": True}
        await self.call.run(self.effect(subscription=progress, operation="receive", **arguments))

    async def subscribing(self, **arguments: Json) -> asyncio.Task[Json]:
        """A receive that waits, its subscription open on the server."""
        before = self.call.subscriptions
        task = asyncio.create_task(self.receive(**arguments))
        await until(lambda: task.done() or self.call.subscriptions > before)
        return task


async def until(condition: Callable[[], bool]) -> None:
    """Waits until the condition holds."""
    async with asyncio.timeout(PATIENT_S):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.fixture
async def clients() -> AsyncIterator[Clients]:
    clients = Clients(ClientSettings(timeouts=Timeouts(connect_s=5.0)))
    yield clients
    await clients.close()


@pytest.fixture
async def make_call(clients: Clients) -> AsyncIterator[Callable[..., AsyncapiCall]]:
    """An adapter, as of a process of its own."""
    made: list[AsyncapiCall] = []

    def make(patience: Patience | None = None) -> AsyncapiCall:
        authentication = Authentication(clients)
        made.append(AsyncapiCall(clients, authentication, Resources(authentication), patience=patience))
        return made[-1]

    yield make
    for each in made:
        await each.close()


@pytest.fixture
def call(make_call: Callable[..., AsyncapiCall]) -> AsyncapiCall:
    return make_call()


@pytest.fixture
def channel() -> str:
    """An address that no other test uses."""
    return f"flowrt-{uuid4().hex[:12]}"


def document(url: str, address: str, **more: Json) -> dict[str, Json]:
    """An AsyncAPI 3 document with one server, one channel, and an operation each way. `more` are bindings and the
    members of the server."""
    parts = urlsplit(url)
    server = {
        "host": url.partition("://")[2],
        "protocol": parts.scheme,
        **{name: more[name] for name in ("protocolVersion", "security") if name in more},
    }
    node: Json = {"address": address, "messages": {"any": {"payload": {}}}}
    if "channel_bindings" in more:
        node["bindings"] = more["channel_bindings"]
    operation = {"channel": {"$ref": "#/channels/main"}, "bindings": more.get("operation_bindings", {})}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "test", "version": "1"},
        "servers": {"main": server},
        "channels": {"main": node},
        "operations": {"send": {"action": "send", **operation}, "receive": {"action": "receive", **operation}},
        **more.get("root", {}),
    }


@pytest.fixture
def run_on(tmp_path: Path, call: AsyncapiCall, channel: str) -> Callable[..., Run]:
    """A run of a task over a document, in an instance named like the channel; `attempt` makes it another one."""

    def run(written: Json, through: AsyncapiCall | None = None, *, attempt: int = 0, **given: Json) -> Run:
        path = tmp_path / "asyncapi.json"
        path.write_text(json.dumps(written))

        def effect(**arguments: Json) -> Effect:
            return Effect(
                kind="asyncapi",
                arguments={"document": {"endpoint": {"uri": "asyncapi.json"}}, **given, **arguments},
                instance=channel,
                position="/do/0/inbox",
                attempt=attempt,
                task="inbox",
                workflow=("shop", "order", "1.0.0"),
                base_uri=(tmp_path / "order.yaml").as_uri(),
            )

        return Run(through or call, effect)

    return run
