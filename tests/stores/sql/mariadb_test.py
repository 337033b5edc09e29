"""MariaDB keeps the contract of stores, with its packets as short as shipped; also with the statements for MySQL."""

from __future__ import annotations

import itertools
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import Connection, event

from flowrt.stores.protocol import Store
from flowrt.stores.sql import SqlStore
from tests.servers import Server
from tests.stores.sql.contract import SqlContract

_databases = itertools.count()


def address(server: Server) -> str:
    """A database that does not exist yet."""
    return server.url.rpartition("/")[0] + f"/test_{next(_databases)}?migrateAtStart=true"


async def as_mysql(store: SqlStore) -> None:
    """Has statements made as for MySQL, which MariaDB understands too, but for the name of a new row."""
    database: Any = store.database

    def work(connection: Connection) -> None:
        if getattr(connection.dialect, "is_mariadb", False):
            connection.dialect.is_mariadb = False  # type: ignore[attr-defined]
            event.listen(database._engine.sync_engine, "before_cursor_execute", _in_words_of_mariadb, retval=True)

    await store.database.read(work)


def _in_words_of_mariadb(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> tuple[str, Any]:
    rows, alias, change = statement.partition(" AS new ON DUPLICATE KEY UPDATE ")
    if not alias:
        return statement, values
    change = re.sub(r"new[.](`?[a-z_]+`?)", r"VALUES(\1)", change)
    return f"{rows} ON DUPLICATE KEY UPDATE {change}", values


class TestMariadb(SqlContract):
    @pytest.fixture(params=["for MariaDB", pytest.param("for MySQL", marks=pytest.mark.servers)])
    async def store(self, mariadb_server: Server, request: pytest.FixtureRequest) -> AsyncIterator[Store]:
        store = SqlStore.from_url(address(mariadb_server), "orders")
        await store.open()
        if request.param == "for MySQL":
            await as_mysql(store)
        yield store
        await store.close()
