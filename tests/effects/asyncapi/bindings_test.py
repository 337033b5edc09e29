"""What documents bind to protocols, as brokers see it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count
from typing import Any

import aio_pika
import aiomqtt
import pytest

from flowrt.core.fault import PREFIX, Faulted
from tests.effects.asyncapi.conftest import PATIENT_S, Run, document

Json = Any
RunOn = Callable[..., Run]


async def test_mqtt_quality_of_service_and_retained_messages(
    mosquitto_server: Any, run_on: RunOn, channel: str
) -> None:
    bindings = {"mqtt": {"qos": 0, "retain": True}}
    run = run_on(document(mosquitto_server.url, channel, operation_bindings=bindings))
    await run.publish("kept")
    async with aiomqtt.Client("127.0.0.1", mosquitto_server.port) as client:
        await client.subscribe(channel)
        message = await anext(aiter(client.messages))
    assert (message.payload, message.retain) == (b'"kept"', True)
    assert (await run.receive())["payload"] == "kept"
    await run.end()


async def test_mqtt5_properties(mosquitto_server: Any, run_on: RunOn, channel: str) -> None:
    bindings = {"mqtt5": {"messageExpiryInterval": 60}}
    run = run_on(document(mosquitto_server.url, channel, protocolVersion="5.0", operation_bindings=bindings))
    async with aiomqtt.Client("127.0.0.1", mosquitto_server.port, protocol=aiomqtt.ProtocolVersion.V5) as client:
        await client.subscribe(channel)
        await run.publish({}, {"a": "b"})
        properties: Any = (await anext(aiter(client.messages))).properties
    assert properties.ContentType == "application/json"
    assert properties.MessageExpiryInterval == 60
    assert ("a", "b") in properties.UserProperty


async def test_an_amqp_exchange_is_made_as_described_and_messages_are_as_bound(
    rabbitmq_server: Any, run_on: RunOn, channel: str
) -> None:
    exchange = {"name": f"{channel}.topic", "type": "topic", "durable": False, "autoDelete": True}
    written = document(
        rabbitmq_server.url,
        f"{channel}.red.said",
        channel_bindings={"amqp": {"is": "routingKey", "exchange": exchange}},
        operation_bindings={"amqp": {"priority": 3, "deliveryMode": 1, "expiration": 60_000}},
    )
    written["channels"]["main"]["messages"]["any"]["bindings"] = {"amqp": {"messageType": "said"}}
    connection = await aio_pika.connect(rabbitmq_server.url)
    opened = await connection.channel()
    declared = await opened.declare_exchange(exchange["name"], "topic", auto_delete=True)
    queue = await opened.declare_queue(exclusive=True)
    await queue.bind(declared, f"{channel}.*.said")
    await run_on(written).publish({"n": 1})
    message = await queue.get(timeout=10, no_ack=True)
    assert (message.type, message.priority, message.delivery_mode) == ("said", 3, 1)
    assert message.expiration is not None
    assert message.content_type == "application/json"
    assert str(message.message_id).endswith("/0")
    await connection.close()


async def test_an_amqp_queue_is_made_before_its_first_message(
    rabbitmq_server: Any, run_on: RunOn, channel: str
) -> None:
    run = run_on(document(rabbitmq_server.url, channel))
    await run.publish("waits")
    assert (await run.receive())["payload"] == "waits"
    await run.end()


async def test_an_amqp_queue_that_is_deleted_is_made_and_consumed_again(
    rabbitmq_server: Any, run_on: RunOn, channel: str
) -> None:
    run = run_on(document(rabbitmq_server.url, channel))
    waiting = await run.subscribing()
    connection = await aio_pika.connect(rabbitmq_server.url)
    opened = await connection.channel()
    await opened.queue_delete(channel)
    await run.publish("again")
    assert (await waiting)["payload"] == "again"
    await run.end()
    await connection.close()


async def test_an_amqp_message_that_nobody_takes_though_it_is_mandatory_is_a_fault(
    rabbitmq_server: Any, run_on: RunOn, channel: str
) -> None:
    written = document(
        rabbitmq_server.url,
        channel,
        channel_bindings={"amqp": {"is": "routingKey", "exchange": {"name": "amq.topic"}}},
        operation_bindings={"amqp": {"mandatory": True}},
    )
    with pytest.raises(Faulted) as caught:
        await run_on(written).publish({})
    assert caught.value.fault.type == f"{PREFIX}communication"


async def test_a_virtual_host_that_is_not_there_is_a_fault(rabbitmq_server: Any, run_on: RunOn, channel: str) -> None:
    written = document(f"{rabbitmq_server.url.rstrip('/')}", channel)
    written["servers"]["main"]["pathname"] = "/nowhere"
    with pytest.raises(Faulted) as caught:
        await run_on(written).publish({})
    assert "nowhere" in str(caught.value)


async def test_a_nats_queue_group_shares_messages(nats_server: Any, run_on: RunOn, channel: str) -> None:
    written = document(nats_server.url, channel, operation_bindings={"nats": {"queue": "workers"}})
    one, other = run_on(written), run_on(written, attempt=1)
    waiting = [await one.subscribing(), await other.subscribing()]
    async with asyncio.timeout(PATIENT_S):
        for number in count():
            # The server picks a member by chance, so a few may go to the same one.
            await one.publish(number)
            if all(each.done() for each in waiting):
                break
    received = [(await each)["payload"] for each in waiting]
    assert received[0] != received[1]
    await one.end()
    await other.end()


async def test_kafka_keys_topics_and_groups(kafka_server: Any, run_on: RunOn, channel: str) -> None:
    from aiokafka import AIOKafkaConsumer

    written = document(
        kafka_server.url,
        "elsewhere",
        channel_bindings={"kafka": {"topic": channel}},
        operation_bindings={"kafka": {"groupId": {"type": "string", "enum": [f"{channel}-group"]}}},
    )
    written["channels"]["main"]["messages"]["any"]["bindings"] = {"kafka": {"key": "$message.payload#/order"}}
    run = run_on(written)
    await run.publish({"order": 7})
    consumer = AIOKafkaConsumer(channel, bootstrap_servers=kafka_server.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        found = await consumer.getone()
        assert (found.key, found.value) == (b"7", b'{"order":7}')
        assert ("content-type", b"application/json") in found.headers
    finally:
        await consumer.stop()
    waiting = await run.subscribing()
    await run.publish({"order": 8})
    assert (await waiting)["payload"] == {"order": 8}
    await run.end()
    other = run_on(written, attempt=1)
    await run.publish({"order": 9})
    assert (await other.receive())["payload"] == {"order": 9}  # of the same group, and so after its last
    await other.end()


async def test_the_full_name_of_a_pulsar_topic(pulsar_server: Any, run_on: RunOn, channel: str) -> None:
    written = document(pulsar_server.url, channel, channel_bindings={"pulsar": {"namespace": "default"}})
    written["servers"]["main"]["bindings"] = {"pulsar": {"tenant": "public"}}
    run = run_on(written)
    waiting = await run.subscribing()
    named = run_on(document(pulsar_server.url, f"persistent://public/default/{channel}"))
    await named.publish("there")
    assert (await waiting)["payload"] == "there"
    await run.end()
