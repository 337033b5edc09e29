"""SQLite keeps the contract of stores."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from flowrt.stores.protocol import Store
from flowrt.stores.sql import SqlStore
from tests.stores.sql.contract import SqlContract


class TestSqlite(SqlContract):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[Store]:
        store = SqlStore.from_url(f"sqlite:///{tmp_path}/flowrt.db", "orders")
        await store.open()
        yield store
        await store.close()
