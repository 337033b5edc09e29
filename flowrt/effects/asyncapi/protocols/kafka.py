"""Kafka: idempotent sends; a consumer group for each subscription, or the one that the document names.

Invariant: a group that is new begins at the end of every partition and says so at once, so that a restart before the
first message misses nothing.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer  # type: ignore[import-untyped]
from aiokafka.abc import AbstractTokenProvider  # type: ignore[import-untyped]
from aiokafka.errors import KafkaError, SaslAuthenticationFailed  # type: ignore[import-untyped]
from aiokafka.structs import TopicPartition  # type: ignore[import-untyped]

from flowrt.effects.asyncapi.bindings import of_message, text
from flowrt.effects.asyncapi.broker import Access, Channel, Incoming, Outgoing
from flowrt.effects.asyncapi.faults import reported

_SASL = {"scramSha256": "SCRAM-SHA-256", "scramSha512": "SCRAM-SHA-512"}
"""By the document's security scheme; user and password are PLAIN otherwise."""
_POLLED_WITHIN_MS = 600_000


class KafkaBroker:
    """The address of a server is one of its cluster's brokers."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._producer: Any = None
        self._starting = asyncio.Lock()

    async def publish(self, channel: Channel, message: Outgoing) -> None:
        key = of_message(channel.message.get("key"), message)
        headers = [(name, value.encode()) for name, value in message.all_headers.items()]
        headers.append(("content-type", message.content_type.encode()))
        with reported(self._access, KafkaError, refusals=(SaslAuthenticationFailed,)):
            producer = await self._started()
            await producer.send_and_wait(
                _topic(channel), message.payload, key=None if key is None else key.encode(), headers=headers
            )

    async def subscribe(self, channel: Channel, name: str, last: str | None) -> _Consumer:
        group = text(channel.operation, "groupId")
        consumer = AIOKafkaConsumer(
            _topic(channel),
            **_options(self._access, text(channel.operation, "clientId")),
            group_id=group or name,
            # Known by its name, a restarted consumer takes the place of the killed one without waiting for its end.
            group_instance_id=None if group else name,
            enable_auto_commit=False,
            auto_offset_reset="latest",
            max_poll_interval_ms=_POLLED_WITHIN_MS,
        )
        with reported(self._access, KafkaError, refusals=(SaslAuthenticationFailed,)):
            try:
                await consumer.start()
                await _take_places(consumer)
            except BaseException:
                await consumer.stop()
                raise
        return _Consumer(self._access, consumer)

    async def close(self) -> None:
        if self._producer is not None:
            with suppress(KafkaError, OSError):
                await self._producer.stop()

    async def _started(self) -> Any:
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(**_options(self._access, None), acks="all", enable_idempotence=True)
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
        return self._producer


class _Consumer:
    """Topic, partition and offset name a message."""

    def __init__(self, access: Access, consumer: Any) -> None:
        self._access, self._consumer = access, consumer

    async def receive(self) -> Incoming:
        with reported(self._access, KafkaError):
            found = await self._consumer.getone()
        headers = {name: value.decode("utf-8", "replace") for name, value in found.headers}
        place = f"{found.topic}/{found.partition}/{found.offset}"
        after = {TopicPartition(found.topic, found.partition): found.offset + 1}
        return Incoming(found.value or b"", headers, delivery=place, receipt=after)

    async def acknowledge(self, message: Incoming) -> None:
        with reported(self._access, KafkaError):
            await self._consumer.commit(message.receipt)

    async def close(self, forget: bool) -> None:
        """The broker forgets a group that nobody is in by itself, after `offsets.retention.minutes`."""
        with suppress(KafkaError, OSError):
            await self._consumer.stop()


class _Token(AbstractTokenProvider):  # type: ignore[misc]
    def __init__(self, token: str) -> None:
        self._token = token

    async def token(self) -> str:
        return self._token


async def _take_places(consumer: Any) -> None:
    """Commits where it begins, in partitions where its group has not been before."""
    for partition in consumer.assignment():
        if await consumer.committed(partition) is None:
            await consumer.commit({partition: await consumer.position(partition)})


def _topic(channel: Channel) -> str:
    return text(channel.bindings, "topic") or channel.address


def _options(access: Access, client_id: str | None) -> dict[str, Any]:
    server, credentials = access.server, access.credentials
    tls: ssl.SSLContext | None = access.tls()
    options: dict[str, Any] = {
        "bootstrap_servers": server.address,
        "client_id": client_id or "flowrt",
        "ssl_context": tls,
        "security_protocol": "PLAINTEXT" if tls is None else "SSL",
    }
    if credentials.token is not None:
        options |= {"sasl_mechanism": "OAUTHBEARER", "sasl_oauth_token_provider": _Token(credentials.token)}
    elif credentials.username is not None:
        mechanism = next((_SASL[each] for each in server.security if each in _SASL), "PLAIN")
        options |= {
            "sasl_mechanism": mechanism,
            "sasl_plain_username": credentials.username,
            "sasl_plain_password": credentials.password,
        }
    if "sasl_mechanism" in options:
        options["security_protocol"] = "SASL_PLAINTEXT" if tls is None else "SASL_SSL"
    return options
