"""The cache keeps the contract of the store it wraps, remembers what it may, and forgets what it must."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from flowrt.core.records import Stored
from flowrt.stores.cache import Bounds, CachedStore, CacheSettings
from flowrt.stores.file import FileStore
from flowrt.stores.memory import MemoryStore
from flowrt.stores.protocol import Batch, BrokenEntry, Page, Query, StaleOwner, Store
from flowrt.testing.stores import Damage, Reopen, StoreContract
from tests.stores.checkpoints import checkpoint, entry

_BOTH = CacheSettings(Bounds(100, 60.0), Bounds(100, 60.0))


class CountingStore(MemoryStore):
    """Says how often it was read, and waits for leave to answer when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[Sequence[str]] = []
        self.finds = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def load(self, ids: Sequence[str]) -> dict[str, Stored | BrokenEntry]:
        self.loads.append(ids)
        found = await super().load(ids)
        await self.may_answer.wait()
        return found

    async def find(self, query: Query) -> Page:
        self.finds += 1
        found = await super().find(query)
        await self.may_answer.wait()
        return found


class TestCachedStore(StoreContract):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[Store]:
        store = CachedStore(FileStore(tmp_path), _BOTH)
        await store.open()
        yield store
        await store.close()

    @pytest.fixture
    async def reopen(self) -> Reopen:
        async def close_and_open(store: Store) -> Store:
            await store.close()
            await store.open()
            return store

        return close_and_open

    @pytest.fixture
    def damage(self) -> Damage:
        pytest.skip("the wrapped store's own suite damages it")


async def owned(backend: MemoryStore, settings: CacheSettings = _BOTH) -> tuple[CachedStore, int]:
    """A cache that has the lease, over three instances."""
    cached = CachedStore(backend, settings)
    token = await cached.acquire("one", 30) or 0
    await cached.commit(Batch([checkpoint(id_) for id_ in "abc"]), token)
    return cached, token


async def revision(store: Store, id_: str) -> int:
    stored = (await store.load([id_]))[id_]
    assert isinstance(stored, Stored)
    found: int = stored.head["revision"]
    return found


async def test_what_was_read_is_not_read_again_until_it_is_written() -> None:
    backend = CountingStore()
    cached, token = await owned(backend)
    for _ in range(3):
        assert set(await cached.load(["a", "b"])) == {"a", "b"}
        assert len((await cached.find(Query())).items) == 3
        assert len(await cached.unfinished()) == 3
    assert (backend.loads, backend.finds) == ([["a", "b"]], 1)
    await cached.commit(Batch([checkpoint(entry("a", "completed"), 2)]), token)
    assert await revision(cached, "a") == 2
    assert await revision(cached, "b") == 1
    assert backend.loads[1:] == [["a"]]
    assert [found.status for found in (await cached.find(Query())).items].count("completed") == 1
    assert len(await cached.unfinished()) == 2
    await cached.delete(["b"])
    assert await cached.load(["b"]) == {}
    assert (await cached.info())["cache"]["instances"]["hits"] == 5


async def test_what_a_reader_does_with_a_record_reaches_nobody() -> None:
    cached, _ = await owned(CountingStore())
    for _ in range(2):
        stored = (await cached.load(["a"]))["a"]
        assert isinstance(stored, Stored)
        assert stored.head["revision"] == 1
        stored.head["revision"] = 99
        page = await cached.find(Query())
        assert page.items[0].status == "running"
        page.items[0].status = "spoilt"


async def test_a_read_that_began_before_a_write_is_not_remembered() -> None:
    backend = CountingStore()
    cached, token = await owned(backend)
    backend.may_answer.clear()
    reads = asyncio.gather(cached.load(["a"]), cached.find(Query()))
    while not backend.loads or not backend.finds:
        await asyncio.sleep(0)
    await cached.commit(Batch([checkpoint(entry("a", "waiting"), 2)]), token)
    backend.may_answer.set()
    await reads
    assert await revision(cached, "a") == 2
    assert {found.status for found in (await cached.find(Query(status="waiting"))).items} == {"waiting"}
    assert "waiting" in {found.status for found in (await cached.find(Query())).items}


async def test_nothing_is_remembered_without_the_lease() -> None:
    backend = CountingStore()
    cached, token = await owned(backend)
    await cached.load(["a"])
    await cached.release(token)
    other_token = await backend.acquire("two", 30) or 0
    await backend.commit(Batch([checkpoint("a", 2)]), other_token)
    assert await revision(cached, "a") == 2
    await backend.commit(Batch([checkpoint("a", 3)]), other_token)
    assert await revision(cached, "a") == 3


async def test_a_write_refused_as_stale_empties_it() -> None:
    backend = CountingStore()
    cached, token = await owned(backend)
    await cached.load(["a", "b"])
    taken = await backend.acquire("one", 30) or 0
    await backend.commit(Batch([checkpoint("b", 2)]), taken)
    with pytest.raises(StaleOwner):
        await cached.commit(Batch([checkpoint("a", 2)]), token)
    assert await revision(cached, "b") == 2
    assert not await cached.renew(token, 30)


async def test_size_and_expiry_are_as_given() -> None:
    now = 0.0
    backend = CountingStore()
    cached = CachedStore(backend, CacheSettings(Bounds(2, 10.0), None), lambda: now)
    token = await cached.acquire("one", 1000) or 0
    await cached.commit(Batch([checkpoint(id_) for id_ in "abc"]), token)
    for id_ in "abcbc":
        await cached.load([id_])
    assert backend.loads == [["a"], ["b"], ["c"]]
    await cached.load(["a"])
    assert backend.loads[3:] == [["a"]]
    now = 9.0
    await cached.load(["a"])
    now = 18.0
    await cached.load(["a"])
    assert backend.loads[4:] == []
    now = 28.0
    await cached.load(["a"])
    assert backend.loads[4:] == [["a"]]
    await cached.find(Query())
    await cached.find(Query())
    assert backend.finds == 2
