"""PostgreSQL keeps the contract of stores: directly, and behind PgBouncer in transaction mode."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from flowrt.stores.protocol import Store
from flowrt.stores.sql import SqlStore
from flowrt.stores.sql.pool import PREPARED
from tests.servers import Server
from tests.stores.sql.contract import SqlContract

_schemas = itertools.count()


class TestPostgresql(SqlContract):
    @pytest.fixture(params=["postgres_server", "pgbouncer_server"])
    async def store(self, request: pytest.FixtureRequest) -> AsyncIterator[Store]:
        server: Any = request.getfixturevalue(request.param)
        store = SqlStore.from_url(f"{server.url}?schema=test_{next(_schemas)}&migrateAtStart=true", "orders")
        await store.open()
        yield store
        await store.close()


async def prepares(url: str) -> bool:
    """Whether a store prepares its statements there."""
    store = SqlStore.from_url(f"{url}?schema=asked&migrateAtStart=true", "orders")
    await store.open()
    database: Any = store.database
    prepared = database._engine.sync_engine.get_execution_options()[PREPARED]
    await store.close()
    return bool(prepared)


async def test_behind_a_proxy_nothing_is_prepared(postgres_server: Server, pgbouncer_server: Server) -> None:
    assert await prepares(postgres_server.url)
    assert not await prepares(pgbouncer_server.url)


async def test_a_relay_of_bytes_is_no_proxy(postgres_server: Server) -> None:
    # As a container's published port is one: the server knows another address than we do.
    where = urlsplit(postgres_server.url)

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection(where.hostname, where.port)
        await asyncio.gather(pass_on(reader, there[1]), pass_on(there[0], writer), return_exceptions=True)

    async with await asyncio.start_server(relay, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        assert await prepares(postgres_server.url.replace(f":{where.port}/", f":{port}/"))
