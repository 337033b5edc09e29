"""What every broker does alike, on real ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

from flowrt.effects.asyncapi import AsyncapiCall
from flowrt.effects.asyncapi.sessions import Patience
from tests.effects.asyncapi.conftest import Run, document, until

Json = Any


@dataclass(frozen=True)
class Kind:
    """A way to use a server. `keeps`: what comes while nobody is connected is there afterwards."""

    server: str
    keeps: bool = True
    headers: bool = True
    options: dict[str, Json] = field(default_factory=dict)
    prepare: Callable[[str, str], Any] | None = None


async def _make_stream(url: str, address: str) -> None:
    import nats

    client = await nats.connect(url)
    await client.jetstream().add_stream(name=address, subjects=[address])
    await client.close()


async def _make_topic(url: str, address: str) -> None:
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic

    admin = AIOKafkaAdminClient(bootstrap_servers=url.partition("://")[2])
    await admin.start()
    await admin.create_topics([NewTopic(address, num_partitions=2, replication_factor=1)])
    await admin.close()


EXCHANGE = {"amqp": {"is": "routingKey", "exchange": {"name": "amq.topic", "type": "topic"}}}
QUEUE = {"amqp": {"is": "queue", "queue": {"durable": True}}}
KINDS = {
    "redis": Kind("redis_server", keeps=False, headers=False),
    "nats": Kind("nats_server", keeps=False),
    "nats-stream": Kind("nats_server", prepare=_make_stream),
    "mqtt": Kind("mosquitto_server", headers=False),
    "mqtt5": Kind("mosquitto_server", options={"protocolVersion": "5.0"}),
    "amqp-exchange": Kind("rabbitmq_server", options={"channel_bindings": EXCHANGE}),
    "amqp-queue": Kind("rabbitmq_server", options={"channel_bindings": QUEUE}),
    "kafka": Kind("kafka_server", prepare=_make_topic),
    "pulsar": Kind("pulsar_server"),
}
HEAVY = ("kafka", "pulsar")


def _cases(names: Iterable[str]) -> list[pytest.ParameterSet]:
    return [pytest.param(name, marks=[pytest.mark.heavy] * (name in HEAVY)) for name in names]


only_where_messages_are_kept = pytest.mark.parametrize(
    "kind", _cases(name for name, kind in KINDS.items() if kind.keeps), indirect=True
)


@pytest.fixture(params=_cases(KINDS))
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


@pytest.fixture
async def written(kind: Kind, request: pytest.FixtureRequest, channel: str) -> Json:
    """The document of a channel of its own on the server."""
    url = request.getfixturevalue(kind.server).url
    if kind.prepare is not None:
        await kind.prepare(url, channel)
    return document(url, channel, **kind.options)


RunOn = Callable[..., Run]


async def test_what_is_published_is_received(kind: Kind, written: Json, run_on: RunOn, channel: str) -> None:
    run = run_on(written)
    waiting = await run.subscribing()
    headers = {"color": "red"} if kind.headers else None
    sent = (await run.publish({"n": [1, None, "ä"]}, headers)).output
    message = await waiting
    assert message["payload"] == {"n": [1, None, "ä"]}
    assert sent["payload"] == message["payload"]
    if kind.headers:
        assert message["headers"]["color"] == "red"
        assert message["headers"]["Idempotency-Key"] == sent["headers"]["Idempotency-Key"]
        assert message["headers"]["X-Flow-Instance-Id"] == channel
        assert message["headers"]["traceparent"].startswith("00-")
    await run.end()
    assert run.call.subscriptions == 0


async def test_messages_come_in_order_and_a_later_subscription_gets_only_later_ones(
    kind: Kind, written: Json, run_on: RunOn
) -> None:
    run = run_on(written)
    waiting = await run.subscribing()
    for number in range(3):
        await run.publish(number)
        await waiting
        waiting = asyncio.create_task(run.receive()) if number < 2 else waiting
    assert [each["payload"] for each in run.messages] == [0, 1, 2]
    await run.end()
    later = run_on(written, attempt=1)
    waiting = await later.subscribing()
    await later.publish("later")
    assert (await waiting)["payload"] == "later"
    await later.end()


async def test_a_receive_that_is_given_up_loses_nothing(kind: Kind, written: Json, run_on: RunOn) -> None:
    run = run_on(written)
    waiting = await run.subscribing()
    waiting.cancel()
    await asyncio.wait([waiting])
    await run.publish("kept")
    assert (await run.receive())["payload"] == "kept"
    await run.end()


async def test_the_same_receive_again_gives_the_same_message(kind: Kind, written: Json, run_on: RunOn) -> None:
    run = run_on(written)
    asked = asyncio.create_task(run.ask())
    await until(lambda: run.call.subscriptions == 1)
    await run.publish("first")
    await run.publish("second")
    first = await asked
    assert await run.ask() == first
    assert [(await run.receive())["payload"] for _ in range(2)] == ["first", "second"]
    await run.end()


@only_where_messages_are_kept
async def test_another_process_goes_on_after_the_last_committed_message(
    kind: Kind, written: Json, run_on: RunOn, make_call: Callable[..., AsyncapiCall]
) -> None:
    run = run_on(written)
    waiting = await run.subscribing()
    await run.publish("first")
    await waiting
    await run.call.close()  # never acknowledged
    publisher = run_on(written, make_call())
    await publisher.publish("second")
    run.call = make_call()
    assert (await run.receive())["payload"] == "second"
    await run.end()


@only_where_messages_are_kept
async def test_a_message_whose_commit_was_lost_comes_again(
    kind: Kind, written: Json, run_on: RunOn, make_call: Callable[..., AsyncapiCall]
) -> None:
    run = run_on(written)
    asked = asyncio.create_task(run.ask())
    await until(lambda: run.call.subscriptions == 1)
    await run.publish("first")
    first = await asked
    await run.call.close()
    run.call = make_call()
    assert (await run.ask())["payload"] == first["payload"] == "first"
    await run.end()


@only_where_messages_are_kept
async def test_an_end_in_another_process_acknowledges_the_last_message(
    kind: Kind, written: Json, run_on: RunOn, make_call: Callable[..., AsyncapiCall]
) -> None:
    run = run_on(written)
    waiting = await run.subscribing()
    await run.publish("only")
    await waiting
    await run.call.close()
    run.call = make_call(Patience(farewell_s=5))
    await run.end()
    again = run_on(written, make_call())
    waiting = await again.subscribing()
    await again.publish("new")
    assert (await waiting)["payload"] == "new"
    await again.end()


async def test_a_subscription_that_nobody_wants_any_more_is_closed(
    kind: Kind, written: Json, run_on: RunOn, make_call: Callable[..., AsyncapiCall]
) -> None:
    run = run_on(written, make_call(Patience(linger_s=0.05)))
    waiting = await run.subscribing()
    waiting.cancel()
    await until(lambda: run.call.subscriptions == 0)
