"""Whole workflows over real brokers: a subscription with tasks for each message survives the death of its process."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import aio_pika
import pytest

from flowrt import Runtime
from tests.effects.asyncapi.conftest import document

Json = Any

WORKFLOW = """
document: {dsl: '1.0.3', namespace: test, name: relay, version: 1.0.0}
do:
  - relay:
      call: asyncapi
      with:
        document: {endpoint: asyncapi.json}
        operation: receive
        subscription:
          filter: ${ .payload.n != null }
          consume: {amount: 3}
          foreach:
            item: message
            at: index
            do:
              - pass:
                  call: asyncapi
                  with:
                    document: {endpoint: asyncapi.json}
                    operation: relay
                    message: {payload: {n: '${ $message.payload.n }', index: '${ $index }'}}
            output: {as: .payload.n}
"""
PROGRAM = """
import asyncio, sys
from flowrt import Runtime

async def main():
    async with Runtime(store=sys.argv[1]) as runtime:
        runtime.deploy(sys.argv[2])
        handle = await runtime.start("test:relay", {})
        print(handle.id, flush=True)
        await handle.result()

asyncio.run(main())
"""


@pytest.fixture
def definition(rabbitmq_server: Any, channel: str, tmp_path: Path) -> Path:
    written = document(rabbitmq_server.url, channel)
    written["channels"]["out"] = {"address": f"{channel}-out"}
    written["operations"]["relay"] = {"action": "send", "channel": {"$ref": "#/channels/out"}}
    (tmp_path / "asyncapi.json").write_text(json.dumps(written))
    path = tmp_path / "relay.yaml"
    path.write_text(WORKFLOW)
    return path


async def test_a_subscription_survives_the_death_of_its_process(
    rabbitmq_server: Any, definition: Path, channel: str, tmp_path: Path
) -> None:
    connection = await aio_pika.connect(rabbitmq_server.url)
    opened = await connection.channel()
    await opened.declare_queue(channel, durable=True)
    relayed = await opened.declare_queue(f"{channel}-out", durable=True)

    async def publish(content: Json) -> None:
        body = aio_pika.Message(json.dumps(content).encode(), message_id=f"{channel}-{content}")
        await opened.default_exchange.publish(body, channel)

    messages = relayed.iterator(no_ack=True, timeout=30)

    async def next_relayed() -> tuple[Json, str | None]:
        message = await anext(messages)
        return json.loads(message.body), message.message_id

    await publish({"n": 1})
    store = f"file://{tmp_path / 'store'}"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, store, str(definition), stdout=asyncio.subprocess.PIPE, env={**os.environ}
    )
    assert process.stdout is not None
    id_ = (await process.stdout.readline()).decode().strip()
    found = [await next_relayed()]
    process.kill()
    await process.wait()
    await publish({"of": "no interest"})
    await publish({"n": 2})
    async with Runtime(store=store) as runtime:
        waiting = asyncio.create_task(runtime.handle(id_).result(timeout=60))
        await publish({"n": 3})
        result = await waiting
    while len({key for _, key in found}) < 3:
        found.append(await next_relayed())
    assert (result.status, result.output) == ("completed", [1, 2, 3])
    # At least once, and recognisable: each key stands for one message.
    assert list({key: content for content, key in found}.values()) == [
        {"n": 1, "index": 0},
        {"n": 2, "index": 1},
        {"n": 3, "index": 2},
    ]
    await messages.close()
    left = await (await connection.channel()).declare_queue(channel, passive=True)
    assert left.declaration_result.message_count == 0
    await connection.close()
