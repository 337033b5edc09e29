"""PostgreSQL keeps the contract of stores: directly, and behind PgBouncer in transaction mode."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest

from flowrt.stores.protocol import Store
from flowrt.stores.sql import SqlStore
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
