"""Pulsar: a subscription of its own for each, at the end of the topic; the library reconnects by itself.

Invariant: nothing of the library's own threads is waited for on the event loop.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Any

import pulsar  # type: ignore[import-untyped]
from pulsar.asyncio import Client, PulsarException  # type: ignore[import-untyped]

from flowrt.effects.asyncapi.bindings import of_message, text
from flowrt.effects.asyncapi.broker import Access, Channel, Incoming, Outgoing
from flowrt.effects.asyncapi.faults import denied, lost
from flowrt.effects.client.faults import misconfigured

log = logging.getLogger("flowrt.asyncapi.pulsar")
_REFUSED = frozenset(("AuthenticationError", "AuthorizationError", "ErrorGettingAuthenticationData"))


class PulsarBroker:
    """One client; one producer for each topic."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._client: Any = None
        self._producers: dict[str, Any] = {}
        self._opening = asyncio.Lock()

    async def publish(self, channel: Channel, message: Outgoing) -> None:
        properties = {**message.all_headers, "content-type": message.content_type}
        key = of_message(channel.message.get("key"), message)
        try:
            producer = await self._producer(self._topic(channel))
            await producer.send(message.payload, properties=properties, partition_key=key)
        except PulsarException as error:
            raise self._fault(error) from error

    async def subscribe(self, channel: Channel, name: str, last: str | None) -> _Consumer:
        try:
            consumer = await self._connected().subscribe(
                self._topic(channel),
                name,
                # Another process that takes over waits until this one has gone, instead of being refused.
                consumer_type=pulsar.ConsumerType.Failover,
                receiver_queue_size=1,
                initial_position=pulsar.InitialPosition.Latest,
            )
        except PulsarException as error:
            raise self._fault(error) from error
        return _Consumer(self, consumer)

    async def close(self) -> None:
        if self._client is not None:
            with suppress(PulsarException):
                await self._client.close()

    def fault(self, error: Exception) -> Exception:
        return self._fault(error)

    async def _producer(self, topic: str) -> Any:
        async with self._opening:
            if topic not in self._producers:
                self._producers[topic] = await self._connected().create_producer(topic)
        return self._producers[topic]

    def _connected(self) -> Any:
        if self._client is None:
            self._client = Client(
                f"{'pulsar+ssl' if self._access.server.tls else 'pulsar'}://{self._access.server.address}",
                operation_timeout_seconds=max(1, int(self._access.connect_s)),
                connection_timeout_ms=int(self._access.connect_s * 1000),
                logger=log,
                **_authentication(self._access),
                **_tls(self._access),
            )
        return self._client

    def _topic(self, channel: Channel) -> str:
        """The full name: persistence, tenant, namespace and topic, as far as the document has them."""
        tenant = text(self._access.server.bindings, "tenant")
        namespace = text(channel.bindings, "namespace")
        if "://" in channel.address or (tenant is None and namespace is None):
            return channel.address
        persistence = text(channel.bindings, "persistence") or "persistent"
        return f"{persistence}://{tenant or 'public'}/{namespace or 'default'}/{channel.address}"

    def _fault(self, error: Exception) -> Exception:
        refused = error.error().name in _REFUSED if isinstance(error, PulsarException) else False
        return denied(self._access, error) if refused else lost(self._access, error)


class _Consumer:
    """Pulsar's own message id names a message."""

    def __init__(self, broker: PulsarBroker, consumer: Any) -> None:
        self._broker, self._consumer = broker, consumer

    async def receive(self) -> Incoming:
        try:
            found = await self._consumer.receive()
        except PulsarException as error:
            raise self._broker.fault(error) from error
        properties = dict(found.properties())
        return Incoming(found.data(), properties, delivery=str(found.message_id()), receipt=found)

    async def acknowledge(self, message: Incoming) -> None:
        try:
            await self._consumer.acknowledge(message.receipt)
        except PulsarException as error:
            raise self._broker.fault(error) from error

    async def close(self, forget: bool) -> None:
        with suppress(PulsarException):
            if forget:
                await self._consumer.unsubscribe()
            await self._consumer.close()


def _authentication(access: Access) -> dict[str, Any]:
    credentials = access.credentials
    if credentials.token is not None:
        return {"authentication": pulsar.AuthenticationToken(credentials.token)}
    if credentials.username is not None:
        return {"authentication": pulsar.AuthenticationBasic(credentials.username, credentials.password)}
    if credentials.certificate is not None:
        own = credentials.certificate
        if "-----BEGIN" in own.certificate or own.key is None:
            raise misconfigured("call: asyncapi over pulsar: give certificate and key as the paths of PEM files")
        return {"authentication": pulsar.AuthenticationTLS(own.certificate, own.key)}
    return {}


def _tls(access: Access) -> dict[str, Any]:
    if not access.server.tls:
        return {}
    tls = access.settings.tls
    return {
        "tls_trust_certs_file_path": tls.ca_file,
        "tls_allow_insecure_connection": not tls.verify,
        "tls_validate_hostname": tls.verify,
    }
