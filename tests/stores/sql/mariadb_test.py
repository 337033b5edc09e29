"""MariaDB keeps the contract of stores, with its packets as short as shipped; also with the statements for MySQL."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import Connection

from flowrt.stores.protocol import Store
from flowrt.stores.sql import SqlStore
from tests.servers import Server
from tests.stores.sql.contract import SqlContract

_databases = itertools.count()


def address(server: Server) -> str:
    """A database that does not exist yet."""
    return server.url.rpartition("/")[0] + f"/test_{next(_databases)}?migrateAtStart=true"


async def as_mysql(store: SqlStore) -> None:
    """Has statements made as for MySQL, which MariaDB understands too."""

    def work(connection: Connection) -> None:
        connection.dialect.is_mariadb = False  # type: ignore[attr-defined]

    await store.database.read(work)


class TestMariadb(SqlContract):
    @pytest.fixture(params=["for MariaDB", pytest.param("for MySQL", marks=pytest.mark.servers)])
    async def store(self, mariadb_server: Server, request: pytest.FixtureRequest) -> AsyncIterator[Store]:
        store = SqlStore.from_url(address(mariadb_server), "orders")
        await store.open()
        if request.param == "for MySQL":
            await as_mysql(store)
        yield store
        await store.close()
