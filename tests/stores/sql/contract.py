"""The contract suite for SQL stores: how to reopen and damage one of them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import Connection, text

from flowrt.stores.protocol import Store
from flowrt.stores.sql import SqlStore
from flowrt.testing.stores import Damage, Reopen, StoreContract


async def execute(store: SqlStore, statement: str, **values: object) -> list[tuple[object, ...]]:
    """Runs a statement of the test's own beside the store, in its schema."""

    def work(connection: Connection) -> list[tuple[object, ...]]:
        schema = f"{store.settings.schema}." if store.settings.schema else ""
        result = connection.execute(text(statement.replace("{schema}", schema)), values)
        return [tuple(row) for row in result] if result.returns_rows else []

    return await store.database.write(work)


class SqlContract(StoreContract):
    @pytest.fixture
    async def reopen(self) -> AsyncIterator[Reopen]:
        opened: list[SqlStore] = []

        async def reopen(store: Store) -> Store:
            assert isinstance(store, SqlStore)
            await store.close()
            again = SqlStore(store.settings, "orders")
            opened.append(again)
            await again.open()
            return again

        yield reopen
        for store in opened:
            await store.close()

    @pytest.fixture
    def damage(self) -> Damage:
        async def damage(store: Store, id: str) -> None:
            assert isinstance(store, SqlStore)
            statement = "UPDATE {schema}process_instance_entity SET head = :head WHERE instance_id = :id"
            await execute(store, statement, head=b'{"cut', id=id)

        return damage
