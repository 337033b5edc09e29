"""AMQP 0-9-1: exchanges and queues as the document binds them, publisher confirms, one message at a time.

Invariants: what nobody would keep is not published silently: the queue a message is for is made if need be, and one
that is returned is a fault. A channel that is no queue has a queue of its own for each subscription.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import unquote

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange, AbstractIncomingMessage, AbstractQueue
from aio_pika.exceptions import (
    AMQPError,
    AuthenticationError,
    ChannelInvalidStateError,
    ChannelNotFoundEntity,
    DeliveryError,
    InvalidFrameError,
    ProbableAuthenticationError,
)
from pamqp.common import FieldTable

from flowrt.effects.asyncapi.bindings import flag, inner, number, text
from flowrt.effects.asyncapi.broker import LEFT_FOR_S, Access, Channel, Incoming, Outgoing
from flowrt.effects.asyncapi.faults import lost, reported
from flowrt.effects.asyncapi.inbox import Inbox

_ERRORS = (AMQPError, ChannelInvalidStateError, DeliveryError, RuntimeError)
"""`RuntimeError` is what the library raises for a connection that was closed meanwhile."""
_REFUSALS = (AuthenticationError, ProbableAuthenticationError)
_PERSISTENT = 2

Declared = TypeVar("Declared", AbstractExchange, AbstractQueue)


class AmqpBroker:
    """The path of the server's address is its virtual host."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None
        self._places: dict[str, tuple[AbstractExchange, str]] = {}
        self._opening = asyncio.Lock()

    async def publish(self, channel: Channel, message: Outgoing) -> None:
        operation = channel.operation
        expiration = number(operation, "expiration")
        body = aio_pika.Message(
            message.payload,
            headers=dict(message.all_headers),
            content_type=message.content_type,
            content_encoding=text(channel.message, "contentEncoding"),
            type=text(channel.message, "messageType"),
            delivery_mode=number(operation, "deliveryMode") or _PERSISTENT,
            priority=number(operation, "priority"),
            expiration=None if expiration is None else expiration / 1000,
            user_id=text(operation, "userId"),
            message_id=message.key,
        )
        with reported(self._access, *_ERRORS, refusals=_REFUSALS):
            exchange, routing_key = await self._place(channel)
            to_queue = _is_queue(channel)
            await exchange.publish(body, routing_key, mandatory=to_queue or flag(operation, "mandatory", False))

    async def subscribe(self, channel: Channel, name: str, last: str | None) -> _Consumer:
        with reported(self._access, *_ERRORS, refusals=_REFUSALS):
            opened = await (await self._connected()).channel()
            await opened.set_qos(prefetch_count=1)
            if _is_queue(channel):
                queue = await self._queue(channel)
            else:
                arguments: FieldTable = {"x-expires": LEFT_FOR_S * 1000}
                queue = await opened.declare_queue(name, durable=True, arguments=arguments)
                exchange = await self._exchange(channel)
                await queue.bind(exchange, channel.address)
            consumer = _Consumer(self._access, opened, await opened.get_queue(queue.name, ensure=False))
            await consumer.start(own=not _is_queue(channel))
        return consumer

    async def close(self) -> None:
        if self._connection is not None:
            with suppress(*_ERRORS, OSError):
                await self._connection.close()

    async def _place(self, channel: Channel) -> tuple[AbstractExchange, str]:
        """The exchange and the routing key of a channel."""
        async with self._opening:
            place = self._places.get(channel.name)
            if place is None:
                opened = await self._confirming()
                if _is_queue(channel):
                    place = opened.default_exchange, (await self._queue(channel)).name
                else:
                    exchange = await self._exchange(channel)
                    place = await opened.get_exchange(exchange.name, ensure=False), channel.address
                self._places[channel.name] = place
        return place

    async def _confirming(self) -> AbstractChannel:
        if self._channel is None:
            connection = await self._connected()
            self._channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        return self._channel

    async def _queue(self, channel: Channel) -> AbstractQueue:
        bound = inner(channel.bindings, "queue")
        name = text(bound, "name") or channel.address
        return await self._existing(
            lambda opened: opened.get_queue(name, ensure=True),
            lambda opened: opened.declare_queue(
                name,
                durable=flag(bound, "durable", True),
                exclusive=flag(bound, "exclusive", False),
                auto_delete=flag(bound, "autoDelete", False),
            ),
        )

    async def _exchange(self, channel: Channel) -> AbstractExchange:
        bound = inner(channel.bindings, "exchange")
        name, kind = text(bound, "name") or "amq.topic", text(bound, "type") or "topic"
        return await self._existing(
            lambda opened: opened.get_exchange(name, ensure=True),
            lambda opened: opened.declare_exchange(
                name, kind, durable=flag(bound, "durable", True), auto_delete=flag(bound, "autoDelete", False)
            ),
        )

    async def _existing(
        self,
        get: Callable[[AbstractChannel], Awaitable[Declared]],
        declare: Callable[[AbstractChannel], Awaitable[Declared]],
    ) -> Declared:
        """What is there, whatever its properties; or else what the document describes. Each on a channel of its own,
        since asking for what is not there ends the channel."""
        connection = await self._connected()
        try:
            async with await connection.channel() as opened:
                return await get(opened)
        except ChannelNotFoundEntity:
            async with await connection.channel() as opened:
                return await declare(opened)

    async def _connected(self) -> AbstractConnection:
        if self._connection is None:
            server, credentials = self._access.server, self._access.credentials
            host = unquote(server.path[1:]) or "/"
            try:
                self._connection = await aio_pika.connect(
                    host=server.host,
                    port=server.port,
                    login=credentials.username or ("" if credentials.token is not None else "guest"),
                    password=credentials.token or credentials.password or "guest",
                    virtualhost=host,
                    ssl=server.tls,
                    ssl_context=self._access.tls(),
                    timeout=self._access.connect_s,
                    client_properties={"connection_name": "flowrt"},
                )
            except InvalidFrameError as error:
                # The library says no more than that the server's answer was not the one it expected.
                raise lost(self._access, f"the virtual host {host!r} cannot be opened ({error})") from error
        return self._connection


class _Consumer:
    """The message id, if its publisher gave one, names a message."""

    def __init__(self, access: Access, channel: AbstractChannel, queue: AbstractQueue) -> None:
        self._access, self._channel, self._queue = access, channel, queue
        self._inbox = Inbox()
        self._tag = ""
        self._own = False

    async def start(self, own: bool) -> None:
        self._own = own
        self._channel.close_callbacks.add(self._lost)
        underlying = await self._channel.get_underlay_channel()
        underlying.on_consumer_cancel_callbacks.add(self._cancelled)
        self._tag = await self._queue.consume(self._arrived)

    async def receive(self) -> Incoming:
        return await self._inbox.get()

    async def acknowledge(self, message: Incoming) -> None:
        with reported(self._access, *_ERRORS):
            await message.receipt.ack()

    async def close(self, forget: bool) -> None:
        with suppress(*_ERRORS, OSError):
            await self._queue.cancel(self._tag)
            if forget and self._own:
                await self._queue.delete(if_unused=True, if_empty=False)
            await self._channel.close()

    async def _arrived(self, message: AbstractIncomingMessage) -> None:
        self._inbox.put(
            Incoming(
                message.body,
                {name: _text(value) for name, value in message.headers.items()},
                message.content_type,
                message.correlation_id,
                message.message_id,
                bool(message.redelivered),
                message,
            )
        )

    def _cancelled(self, _frame: Any) -> None:
        self._inbox.fail(lost(self._access, f"the queue {self._queue.name} is gone"))

    def _lost(self, _channel: Any, error: BaseException | None) -> None:
        self._inbox.fail(lost(self._access, error or "the connection was closed"))


def _is_queue(channel: Channel) -> bool:
    """A channel is what its binding says it is; without a binding, the queue of its name."""
    kind = text(channel.bindings, "is")
    if kind is None:
        return "exchange" not in channel.bindings
    return kind == "queue"


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
