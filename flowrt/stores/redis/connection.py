"""The client of the server that takes the writes, and its errors as the store's own."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

import hiredis
from redis.asyncio import BlockingConnectionPool, Connection, Redis, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ClusterDownError, MovedError, ReadOnlyError, RedisError
from redis.exceptions import ConnectionError as Unreachable
from redis.maint_notifications import MaintNotificationsConfig

from flowrt.stores.protocol import StoreUnavailable
from flowrt.stores.redis.locate import Locate, locator
from flowrt.stores.redis.settings import RedisSettings

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
FAILURES = (RedisError, OSError, asyncio.TimeoutError)
_UNLIMITED = 1 << 30


def unavailable(settings: RedisSettings, error: BaseException) -> StoreUnavailable:
    """The error that says what failed and where."""
    said = str(error) or type(error).__name__
    return StoreUnavailable(f"{settings.place}: {said}")


def reaching(
    call: Callable[Parameters, Coroutine[Any, Any, Result]],
) -> Callable[Parameters, Coroutine[Any, Any, Result]]:
    """A method of a store whose failures on the way to the server are `StoreUnavailable`."""

    @functools.wraps(call)
    async def reached(*arguments: Parameters.args, **named: Parameters.kwargs) -> Result:
        try:
            return await call(*arguments, **named)
        except FAILURES as error:
            store: Any = arguments[0]
            raise unavailable(store.settings, error) from error

    return reached


class IdleLimitedPool(BlockingConnectionPool):
    """Waits for a connection when all are in use, and keeps only so many idle ones open."""

    def __init__(self, *, max_idle: int, **options: Any) -> None:
        super().__init__(**options)
        self._max_idle = max_idle

    async def release(self, connection: Any) -> None:
        idle = sum(1 for each in self._available_connections if each.is_connected)
        if 0 <= self._max_idle <= idle:
            await connection.disconnect()
        await super().release(connection)

    async def fill(self, number: int) -> None:
        """Opens that many connections."""
        take: Any = self.get_connection
        opened = [await take() for _ in range(number)]
        for connection in opened:
            await self.release(connection)


class LocatedConnection(Connection):
    """Asks where the server is before it connects, and again when that one no longer takes the writes.

    Packs commands by hiredis, which is ten times as fast for those with thousands of arguments.
    """

    def __init__(self, *, locate: Locate | None = None, **options: Any) -> None:
        super().__init__(**options)
        self._locate = locate

    def pack_command(self, *args: Any) -> list[bytes]:
        return [hiredis.pack_command((*args[0].split(), *args[1:]))]

    async def connect_check_health(self, *args: Any, **options: Any) -> None:
        if self._locate is not None and not self.is_connected:
            self.host, self.port = await self._locate()
        await super().connect_check_health(*args, **options)

    async def read_response(self, *args: Any, **options: Any) -> Any:
        try:
            return await super().read_response(*args, **options)
        except (ReadOnlyError, MovedError, ClusterDownError) as error:
            if self._locate is None:
                raise
            await self.disconnect()
            raise Unreachable(f"{self.host}:{self.port} does not take the writes: {error}") from error


class LocatedTlsConnection(LocatedConnection, SSLConnection):
    """The same, encrypted."""


async def connect(settings: RedisSettings, key: bytes) -> Any:
    """A client; only `min_idle` connections are made, the others when they are needed. `key` is one of its keys."""
    seconds = settings.timeout_ms / 1000
    options: dict[str, Any] = {
        "username": settings.username,
        "password": settings.password,
        "socket_timeout": seconds,
        "socket_connect_timeout": seconds,
        # Once more, because the other side may have closed a connection that lay idle; the rest is for who calls.
        "retry": Retry(NoBackoff(), 1, supported_errors=(Unreachable,)),
        "protocol": 3,
        # Not every server answers the question whether it sends them.
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
    }
    trust = {"ssl_ca_certs": settings.ca} if settings.ssl and settings.ca else {}
    asking = {**options, **trust, "ssl": True} if settings.ssl else options
    pool = IdleLimitedPool(
        connection_class=LocatedTlsConnection if settings.ssl else LocatedConnection,
        locate=locator(settings, key, asking),
        max_idle=settings.max_idle,
        max_connections=settings.max_total if settings.max_total > 0 else _UNLIMITED,
        timeout=seconds,
        host=settings.host,
        port=settings.port,
        db=settings.database,
        **options,
        **trust,
    )
    if settings.min_idle > 0:
        await pool.fill(settings.min_idle)
    return Redis.from_pool(pool)
