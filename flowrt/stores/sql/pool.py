"""A pool of asynchronous connections with the keys that connection pools of Java have."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import URL, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from flowrt.stores.sql.settings import SqlSettings

PREPARED = "flowrt_prepared"
"""The execution option of connections on which a prepared statement lasts."""


def pooled(driver: str, settings: SqlSettings, arguments: dict[str, Any], **options: Any) -> AsyncEngine:
    """An engine whose pool keeps `minimum_idle` connections and opens `maximum_pool_size` at most."""
    maximum = settings.maximum_pool_size
    kept = maximum if settings.minimum_idle is None else max(1, min(settings.minimum_idle, maximum))
    engine = create_async_engine(
        URL.create(driver),
        pool_size=kept,
        max_overflow=maximum - kept,
        # The one used last: what it has prepared serves again, and those beyond need grow idle.
        pool_use_lifo=True,
        pool_timeout=settings.connection_timeout_ms / 1000,
        pool_recycle=settings.max_lifetime_ms / 1000 if settings.max_lifetime_ms else -1,
        connect_args=arguments,
        hide_parameters=True,
        **options,
    )
    if settings.idle_timeout_ms:
        _expire_idle(engine, settings.idle_timeout_ms / 1000)
    return engine


def _expire_idle(engine: AsyncEngine, limit_s: float) -> None:
    # What has lain idle for long may have been cut by a firewall without a word.
    @event.listens_for(engine.sync_engine, "checkin")
    def rest(_connection: Any, record: ConnectionPoolEntry) -> None:
        record.info["idle_since"] = time.monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def examine(_connection: Any, record: ConnectionPoolEntry, _proxy: Any) -> None:
        if time.monotonic() - record.info.pop("idle_since", time.monotonic()) > limit_s:
            raise DisconnectionError(f"idle for more than {limit_s:g} s")
