"""The file store keeps the contract."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import lmdb
import pytest

from flowrt.stores.file import FileStore
from flowrt.stores.protocol import Store
from flowrt.testing.stores import Damage, Reopen, StoreContract


class TestFileStore(StoreContract):
    @pytest.fixture(params=["none", "gzip"])
    async def store(self, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Store]:
        store = FileStore(tmp_path, compression=request.param)
        await store.open()
        yield store
        await store.close()

    @pytest.fixture
    async def reopen(self, tmp_path: Path) -> AsyncIterator[Reopen]:
        opened: list[Store] = []

        async def close_and_open(store: Store) -> Store:
            await store.close()
            opened.append(FileStore(tmp_path))
            await opened[-1].open()
            return opened[-1]

        yield close_and_open
        for again in opened:
            await again.close()

    @pytest.fixture
    def damage(self, tmp_path: Path) -> Damage:
        async def tear_head(store: Store, id: str) -> None:
            await store.close()
            with lmdb.open(str(tmp_path / "default.lmdb"), subdir=False, max_dbs=16) as env:
                ids, records = env.open_db(b"ids"), env.open_db(b"records")
                with env.begin(write=True) as transaction:
                    key = transaction.get(id.encode() + b"\x00", db=ids) + b"\x00"
                    transaction.put(key, transaction.get(key, db=records)[:-1], db=records)
            await store.open()

        return tear_head
