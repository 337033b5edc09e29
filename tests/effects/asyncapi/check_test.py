"""What is known to be wrong before a workflow runs, and what a run finds wrong with its arguments."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flowrt.core.fault import PREFIX, Faulted
from flowrt.effects.asyncapi import AsyncapiCall
from tests.effects.asyncapi.conftest import Run, document

Json = Any
RunOn = Callable[..., Run]

NATS = document("nats://127.0.0.1:4222", "chat", root={"defaultContentType": "application/json"})
REDIS = document("redis://127.0.0.1:6379", "chat")
SOLACE = document("solace://127.0.0.1:1", "chat")


async def problems(run: Run, **arguments: Json) -> list[str]:
    effect = run.effect(**arguments)
    given = {**effect.arguments, "document": {"endpoint": effect.arguments["document"]["endpoint"]["uri"]}}
    return list(await run.call.check(given, effect.base_uri))


SUBSCRIPTION = {"consume": {"amount": 1}}
MESSAGE = {"payload": {"n": 1}}


@pytest.mark.parametrize(
    ("written", "arguments", "says"),
    [
        (NATS, {"operation": "send", "message": MESSAGE}, None),
        (NATS, {"operation": "receive", "subscription": SUBSCRIPTION}, None),
        (NATS, {"operation": "sent", "message": MESSAGE}, "there is no operation 'sent'; there are: receive, send"),
        (NATS, {"operation": "${ .x }", "message": MESSAGE}, None),
        (NATS, {"operation": "send", "message": {"payload": "${ . }"}}, None),
        (NATS, {"operation": "send", "server": {"name": "other"}, "message": MESSAGE}, "there is no server 'other'"),
        (NATS, {"operation": "send", "protocol": "kafka", "message": MESSAGE}, "speaks 'kafka'"),
        (NATS, {"operation": "send", "protocol": "jms", "message": MESSAGE}, "protocol 'jms' is not supported"),
        (SOLACE, {"operation": "receive", "subscription": SUBSCRIPTION}, "protocol 'solace' is not supported"),
        (REDIS, {"operation": "send", "message": {**MESSAGE, "headers": {"a": 1}}}, "/message/headers: "),
        (
            NATS,
            {"operation": "send", "message": MESSAGE, "authentication": {"oauth2": {"grant": "authorization_code"}}},
            "/authentication/oauth2/grant",
        ),
    ],
)
async def test_a_definition_is_checked_against_its_document(
    written: Json, arguments: Json, says: str | None, run_on: RunOn
) -> None:
    found = await problems(run_on(written), **arguments)
    assert (len(found), says is None or says in found[0]) == (0 if says is None else 1, True), found


async def test_a_document_that_cannot_be_had_now_is_no_problem(run_on: RunOn) -> None:
    run = run_on(NATS)
    given = {"document": {"endpoint": "missing.yaml"}, "operation": "send", "message": MESSAGE}
    assert await run.call.check(given, run.effect().base_uri) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"operation": "send"}, "exactly one of message and subscription"),
        ({"message": {}}, "exactly one of channel and operation"),
        ({"operation": "send", "channel": "main", "message": {}}, "exactly one of channel and operation"),
        ({"operation": 7, "message": {}}, "operation must be a name"),
        ({"operation": "send", "message": "x"}, "message must be an object"),
        ({"operation": "send", "message": {}, "server": 7}, "server must be an object"),
        ({"operation": "send", "message": {}, "server": {"name": "main", "variables": 7}}, "server.variables"),
        ({"operation": "send", "message": {}, "document": {}}, "document.endpoint must be an address"),
        ({"operation": "send", "message": {"headers": {"a": {}}}}, "header a must be"),
    ],
)
async def test_arguments_that_cannot_be_used_are_a_configuration_fault(
    arguments: Json, says: str, run_on: RunOn
) -> None:
    run = run_on(NATS)
    with pytest.raises(Faulted) as caught:
        await run.call.run(run.effect(**arguments))
    assert (caught.value.fault.type, says in str(caught.value)) == (f"{PREFIX}configuration", True), caught.value


async def test_headers_where_messages_have_none_are_a_fault(run_on: RunOn) -> None:
    with pytest.raises(Faulted) as caught:
        await run_on(REDIS).publish({}, {"a": "b"})
    assert "put their values into the payload" in str(caught.value)


WITHOUT = """
import asyncio, sys
sys.modules["{package}"] = None
from importlib import util
find = util.find_spec
util.find_spec = lambda name, *more: None if name == "{package}" else find(name, *more)
from flowrt.effects.asyncapi.protocols import problem_of
print(problem_of("{protocol}"))
"""


@pytest.mark.parametrize(
    ("protocol", "package"),
    [("kafka", "aiokafka"), ("amqp", "aio_pika"), ("mqtt", "aiomqtt"), ("nats", "nats"), ("pulsar", "pulsar"),
     ("ws", "websockets")],
)  # fmt: skip
def test_a_missing_extra_is_named(protocol: str, package: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(protocol=protocol, package=package)], capture_output=True, text=True
    )
    assert done.stdout == f"call: asyncapi over {protocol} needs the extra: pip install 'flowrt[{protocol}]'\n"


def test_no_library_is_imported_before_it_is_needed(tmp_path: Path) -> None:
    heavy = ("aiokafka", "aio_pika", "aiomqtt", "nats", "pulsar", "websockets", "httpx", "redis", "jsonschema_rs")
    program = f"import sys, flowrt.effects.asyncapi; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout == "[]\n", done.stderr


def test_the_adapter_is_what_the_runtime_expects(call: AsyncapiCall) -> None:
    assert (call.kind, call.subscriptions) == ("asyncapi", 0)
