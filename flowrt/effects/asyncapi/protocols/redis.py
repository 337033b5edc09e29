"""Redis: publish and subscribe. No acknowledgements, no headers; what is published while nobody listens is gone."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from flowrt.effects.asyncapi.broker import Access, Channel, Incoming, Outgoing
from flowrt.effects.asyncapi.faults import reported
from flowrt.effects.client.faults import misconfigured

_REFUSALS = (AuthenticationError, NoPermissionError)


class RedisBroker:
    """The path of the server's address is the number of its database."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._client: Redis = _client(access)

    async def publish(self, channel: Channel, message: Outgoing) -> None:
        with reported(self._access, RedisError, refusals=_REFUSALS):
            await self._client.publish(channel.address, message.payload)

    async def subscribe(self, channel: Channel, name: str, last: str | None) -> _Subscribed:
        with reported(self._access, RedisError, refusals=_REFUSALS):
            listening = self._client.pubsub()
            await listening.subscribe(channel.address)
            while (await listening.get_message(timeout=None) or {}).get("type") != "subscribe":
                pass
        return _Subscribed(self._access, listening)

    async def close(self) -> None:
        with suppress(RedisError, OSError):
            await self._client.aclose()


class _Subscribed:
    def __init__(self, access: Access, listening: PubSub) -> None:
        self._access, self._listening = access, listening

    async def receive(self) -> Incoming:
        with reported(self._access, RedisError):
            while True:
                found = await self._listening.get_message(ignore_subscribe_messages=True, timeout=None)
                if found is not None:
                    return Incoming(found["data"], {})

    async def acknowledge(self, message: Incoming) -> None:
        """There is nothing to tell."""

    async def close(self, forget: bool) -> None:
        with suppress(RedisError, OSError, asyncio.CancelledError):
            await self._listening.aclose()  # type: ignore[no-untyped-call]


def _client(access: Access) -> Redis:
    server, credentials, settings = access.server, access.credentials, access.settings
    database = server.path.lstrip("/") or "0"
    if not database.isdecimal():
        raise misconfigured(f"{server.shown}: the path of its address must be the number of a database, not {database}")
    options: dict[str, Any] = {
        "host": server.host,
        "port": server.port,
        "db": int(database),
        "username": credentials.username or None,
        "password": credentials.password or credentials.token,
        "socket_connect_timeout": settings.timeouts.connect_s,
        "health_check_interval": 30,
        # One more try, for a kept connection that the server has closed; the rest is done for all brokers alike.
        "retry": Retry(NoBackoff(), 1),
    }
    if server.tls:
        tls, own = settings.tls, credentials.certificate
        options |= {
            "ssl": True,
            "ssl_cert_reqs": "required" if tls.verify else "none",
            "ssl_check_hostname": tls.verify,
            "ssl_ca_certs": tls.ca_file,
            "ssl_certfile": tls.cert_file if own is None else own.certificate,
            "ssl_keyfile": tls.key_file if own is None else own.key,
        }
    return Redis(**options)
