"""MariaDB keeps the contract of stores, with its packets as short as shipped."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator

import pytest

from flowrt.stores.protocol import Store
from flowrt.stores.sql import SqlStore
from tests.servers import Server
from tests.stores.sql.contract import SqlContract

_databases = itertools.count()


def address(server: Server) -> str:
    """A database that does not exist yet."""
    return server.url.rpartition("/")[0] + f"/test_{next(_databases)}?migrateAtStart=true"


class TestMariadb(SqlContract):
    @pytest.fixture
    async def store(self, mariadb_server: Server) -> AsyncIterator[Store]:
        store = SqlStore.from_url(address(mariadb_server), "orders")
        await store.open()
        yield store
        await store.close()
