"""NATS: a subject that a JetStream stream keeps is published and consumed durably, any other one at most once.

Invariant: a consumer on a stream bears the subscription's name (or that of its queue group), so that it goes on where
it was after a restart.
"""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import AuthorizationError, Error, NoServersError
from nats.errors import TimeoutError as NatsTimeout
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from flowrt.effects.asyncapi.bindings import text
from flowrt.effects.asyncapi.broker import LEFT_FOR_S, Access, Channel, Incoming, Outgoing
from flowrt.effects.asyncapi.faults import lost, reported
from flowrt.effects.asyncapi.inbox import Inbox

_ASK_FOR_S = 30.0
"""How long the server is asked to wait for a message before it is asked again."""
_ACKNOWLEDGED_WITHIN_S = 5.0
"""After a crash a message comes again this late; while it is worked on it cannot, since nothing else is asked for."""
_GROUP_ACKNOWLEDGES_WITHIN_S = 300.0
"""In a queue group it would come again to another member."""
_UNAUTHORIZED = "Authorization Violation"
"""How the server says so while a client connects; the library has no exception for it then."""
_MESSAGE_ID = "Nats-Msg-Id"
"""The header by which a stream recognises a message that it has."""


class NatsBroker:
    """One connection; once lost it is not used again."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._client: Client | None = None
        self._opening = asyncio.Lock()
        self._inboxes: list[Inbox] = []

    async def publish(self, channel: Channel, message: Outgoing) -> None:
        with reported(self._access, Error, refusals=(AuthorizationError,)):
            client = await self._connected()
            headers = {**message.all_headers, "Content-Type": message.content_type}
            if await _stream(client, channel.address) is None:
                await client.publish(channel.address, message.payload, headers=headers)
                await client.flush()
            else:
                headers[_MESSAGE_ID] = message.key
                await client.jetstream().publish(channel.address, message.payload, headers=headers)

    async def subscribe(self, channel: Channel, name: str, last: str | None) -> _OnStream | _Plain:
        group = text(channel.operation, "queue")
        with reported(self._access, Error, refusals=(AuthorizationError,)):
            client = await self._connected()
            stream = await _stream(client, channel.address)
            if stream is not None:
                return await self._on_stream(client.jetstream(), channel.address, stream, name, group)
            inbox = Inbox()
            self._inboxes.append(inbox)

            async def arrived(message: Msg) -> None:
                inbox.put(Incoming(message.data, message.headers or {}))

            plain = await client.subscribe(channel.address, queue=group or "", cb=arrived)
            await client.flush()
            return _Plain(inbox, plain)

    async def close(self) -> None:
        if self._client is not None:
            with suppress(Error, OSError):
                await self._client.close()

    async def _on_stream(
        self, stream: JetStreamContext, subject: str, kept_in: str, name: str, group: str | None
    ) -> _OnStream:
        config = ConsumerConfig(
            deliver_policy=DeliverPolicy.NEW,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=_GROUP_ACKNOWLEDGES_WITHIN_S if group else _ACKNOWLEDGED_WITHIN_S,
            inactive_threshold=None if group else LEFT_FOR_S,
        )
        consumer = group or name
        pulled = await stream.pull_subscribe(subject, durable=consumer, stream=kept_in, config=config)

        async def forget() -> None:
            if group is None and (await stream.consumer_info(kept_in, consumer)).num_waiting in (None, 0):
                await stream.delete_consumer(kept_in, consumer)

        return _OnStream(self._access, pulled, forget)

    async def _connected(self) -> Client:
        async with self._opening:
            if self._client is None:
                self._client = await self._connect()
        return self._client

    async def _connect(self) -> Client:
        server, credentials = self._access.server, self._access.credentials
        options: dict[str, Any] = {"tls": self._access.tls()} if server.tls else {}
        if credentials.token is not None:
            options["token"] = credentials.token
        elif credentials.username is not None:
            options |= {"user": credentials.username, "password": credentials.password}
        client, met = Client(), list[Exception]()

        async def note(error: Exception) -> None:
            met.append(error)

        try:
            await client.connect(
                f"{'tls' if server.tls else 'nats'}://{server.address}",
                # Lost connections are made again where subscriptions are kept, so that it is done for all alike.
                allow_reconnect=False,
                max_reconnect_attempts=1,
                reconnect_time_wait=0,
                connect_timeout=math.ceil(self._access.connect_s),
                error_cb=note,
                closed_cb=self._lost,
                name="flowrt",
                **options,
            )
        except BaseException as error:
            await client.close()
            if _UNAUTHORIZED in str(error):
                raise AuthorizationError from error
            if isinstance(error, NoServersError) and met:
                raise met[-1] from error
            raise
        return client

    async def _lost(self) -> None:
        for inbox in self._inboxes:
            inbox.fail(lost(self._access, "the connection was lost"))


class _Plain:
    """A subject that nobody keeps."""

    def __init__(self, inbox: Inbox, subscribed: Any) -> None:
        self._inbox, self._subscribed = inbox, subscribed

    async def receive(self) -> Incoming:
        return await self._inbox.get()

    async def acknowledge(self, message: Incoming) -> None:
        """There is nothing to tell."""

    async def close(self, forget: bool) -> None:
        with suppress(Error, OSError):
            await self._subscribed.unsubscribe()


class _OnStream:
    """A consumer of a stream. The sequence number in the stream names a message."""

    def __init__(self, access: Access, pulled: JetStreamContext.PullSubscription, forget: Any) -> None:
        self._access, self._pulled, self._forget = access, pulled, forget

    async def receive(self) -> Incoming:
        with reported(self._access, Error):
            while True:
                try:
                    [message] = await self._pulled.fetch(1, timeout=_ASK_FOR_S)
                except NatsTimeout:
                    continue
                sequence = message.metadata.sequence.stream
                return Incoming(message.data, message.headers or {}, delivery=str(sequence), receipt=message)

    async def acknowledge(self, message: Incoming) -> None:
        with reported(self._access, Error):
            await message.receipt.ack_sync()

    async def close(self, forget: bool) -> None:
        with suppress(Error, OSError):
            await self._pulled.unsubscribe()
            if forget:
                await self._forget()


async def _stream(client: Client, subject: str) -> str | None:
    """The stream that keeps a subject, if there is one and we may know."""
    try:
        return await client.jetstream().find_stream_name_by_subject(subject)
    except (NotFoundError, NatsTimeout, Error):
        if client.is_closed:
            raise
        return None
