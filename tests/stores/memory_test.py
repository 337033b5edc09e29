"""The memory store keeps the contract, but for what outlives the process."""

from __future__ import annotations

import pytest

from flowrt.stores.memory import MemoryStore
from flowrt.stores.protocol import Store
from flowrt.testing.stores import Damage, Reopen, StoreContract


class TestMemoryStore(StoreContract):
    @pytest.fixture
    async def store(self) -> Store:
        return MemoryStore()

    @pytest.fixture
    def reopen(self) -> Reopen:
        async def same(store: Store) -> Store:
            return store

        return same

    @pytest.fixture
    def damage(self) -> Damage:
        pytest.skip("what is in memory only cannot be damaged from outside")
