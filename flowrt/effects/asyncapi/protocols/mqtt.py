"""MQTT 3.1.1 and 5: quality of service 1 unless the document says otherwise, a session of its own per subscription.

Invariant: the broker keeps what comes for a subscription while nobody is connected, and sends again what was not
acknowledged. MQTT 5 carries headers as user properties; 3.1.1 has none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from typing import Any

from aiomqtt import Client, Message, MqttCodeError, MqttError, ProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from flowrt.effects.asyncapi.bindings import flag, number, text
from flowrt.effects.asyncapi.broker import LEFT_FOR_S, Access, Channel, Incoming, Outgoing
from flowrt.effects.asyncapi.faults import denied, lost

_AT_LEAST_ONCE = 1
_REFUSED = frozenset({134, 135})
"""CONNACK codes of MQTT 5 for a wrong user or password, and for one who may not connect; 3.1.1's come as these."""


class MqttBroker:
    """One connection to publish over, and one for each subscription: a broker knows a client by its id."""

    version = ProtocolVersion.V311

    def __init__(self, access: Access) -> None:
        self._access = access
        self._client: Client | None = None
        self._opening = asyncio.Lock()

    async def publish(self, channel: Channel, message: Outgoing) -> None:
        qos = _qos(channel)
        try:
            client = await self._publisher()
            await client.publish(
                channel.address,
                message.payload,
                qos=qos,
                retain=flag(channel.operation, "retain", False),
                properties=self._properties(channel, message),
            )
        except MqttError as error:
            raise self._fault(error) from error

    async def subscribe(self, channel: Channel, name: str, last: str | None) -> _Session:
        client = self._new(name, clean=False)
        # Not public yet in the library; without it a message would be acknowledged as soon as it has arrived.
        client._client.manual_ack_set(True)
        try:
            await client.__aenter__()
        except MqttError as error:
            raise self._fault(error) from error
        session = _Session(self, client, name, channel)
        try:
            await client.subscribe(channel.address, qos=_qos(channel))
        except BaseException as error:
            await session.close(forget=False)
            if isinstance(error, MqttError):
                raise self._fault(error) from error
            raise
        return session

    async def close(self) -> None:
        if self._client is not None:
            await leave(self._client)

    async def forget(self, name: str) -> None:
        """Ends a session for good: a client of its name that wants none replaces it."""
        client = self._new(name, clean=True)
        with suppress(MqttError):
            await client.__aenter__()
            await leave(client)

    def lost(self, error: object) -> Exception:
        return lost(self._access, error)

    async def _publisher(self) -> Client:
        async with self._opening:
            if self._client is None:
                client = self._new(None, clean=True)
                await client.__aenter__()
                self._client = client
        return self._client

    def _new(self, name: str | None, clean: bool) -> Client:
        server, credentials = self._access.server, self._access.credentials
        return Client(
            server.host,
            server.port,
            username=credentials.username or ("" if credentials.token else None),
            password=credentials.password or credentials.token,
            identifier=name,
            protocol=self.version,
            timeout=self._access.connect_s,
            keepalive=number(server.bindings, "keepAlive") or 60,
            tls_context=self._access.tls(),
            **self._session(clean),
        )

    def _session(self, clean: bool) -> Mapping[str, Any]:
        return {"clean_session": clean}

    def _properties(self, channel: Channel, message: Outgoing) -> Properties | None:
        return None

    def _fault(self, error: MqttError) -> Exception:
        code = getattr(error.rc, "value", None) if isinstance(error, MqttCodeError) else None
        return denied(self._access, error) if code in _REFUSED else lost(self._access, error)


class Mqtt5Broker(MqttBroker):
    """The same, with headers and with sessions that expire."""

    version = ProtocolVersion.V5

    def _session(self, clean: bool) -> Mapping[str, Any]:
        connecting: Any = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        connecting.SessionExpiryInterval = 0 if clean else LEFT_FOR_S
        return {"clean_start": clean, "properties": connecting}

    def _properties(self, channel: Channel, message: Outgoing) -> Properties | None:
        publishing: Any = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        publishing.UserProperty = list(message.all_headers.items())
        publishing.ContentType = message.content_type
        if (expires_s := number(channel.operation, "messageExpiryInterval")) is not None:
            publishing.MessageExpiryInterval = expires_s
        if (answers := text(channel.message, "responseTopic")) is not None:
            publishing.ResponseTopic = answers
        found: Properties = publishing
        return found


class _Session:
    """A packet's number and what it holds name a message: a broker that lost its sessions counts from one again."""

    def __init__(self, broker: MqttBroker, client: Client, name: str, channel: Channel) -> None:
        self._broker, self._client, self._name, self._channel = broker, client, name, channel
        self._lost = False

    async def receive(self) -> Incoming:
        try:
            return _incoming(await anext(aiter(self._client.messages)))
        except MqttError as error:
            self._lost = True
            raise self._broker.lost(error) from error

    async def acknowledge(self, message: Incoming) -> None:
        number_, qos = message.receipt
        if qos and self._client._client.ack(number_, qos):
            self._lost = True
            raise self._broker.lost("the connection was lost")

    async def close(self, forget: bool) -> None:
        if forget and not self._lost:
            with suppress(MqttError):
                await self._client.unsubscribe(self._channel.address)
        await leave(self._client)
        # One that was lost may have been taken over by another process, which goes on with it.
        if forget and not self._lost:
            await self._broker.forget(self._name)


async def leave(client: Client) -> None:
    """Disconnects, if it is still connected."""
    with suppress(MqttError):
        await client.__aexit__(None, None, None)
    if client._disconnected.done():
        client._disconnected.exception()  # looked at, for otherwise the event loop would complain of it


def _qos(channel: Channel) -> int:
    qos = number(channel.operation, "qos")
    return _AT_LEAST_ONCE if qos is None else qos


def _incoming(message: Message) -> Incoming:
    payload = message.payload
    properties: Any = message.properties
    headers = dict(getattr(properties, "UserProperty", ()))
    correlation = getattr(properties, "CorrelationData", None)
    delivery = f"{message.mid}/{sha256(payload).hexdigest()[:16]}" if message.qos else None
    return Incoming(
        payload,
        headers,
        getattr(properties, "ContentType", None),
        None if correlation is None else correlation.decode("utf-8", "replace"),
        delivery,
        receipt=(message.mid, message.qos),
    )
