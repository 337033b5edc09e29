"""The faulty store fails as its seed says, and a caller that repeats every call loses and doubles nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from flowrt.stores.memory import MemoryStore
from flowrt.stores.protocol import Batch, Query, Store, StoreUnavailable
from flowrt.stores.sql import SqlStore
from flowrt.testing.contract.records import checkpoint, event, record
from flowrt.testing.faulty import Faults, FaultyStore

T = TypeVar("T")


async def insisted(call: Callable[[], Awaitable[T]]) -> T:
    """What a call gives, once it does."""
    while True:
        try:
            return await call()
        except StoreUnavailable:
            pass


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@pytest.mark.parametrize("seed", range(3))
async def test_repeated_until_it_works(kind: str, seed: int, tmp_path: Path) -> None:
    inner: Store = MemoryStore() if kind == "memory" else SqlStore.from_url(f"sqlite:///{tmp_path}/f.db", "orders")
    store = FaultyStore(inner, seed, Faults(0.2, 0.2, 0.2, 0.2, 0.001))
    await store.open()
    token = await insisted(lambda: store.acquire("one", 30))
    assert token is not None
    for revision in range(1, 21):
        batch = Batch(
            [
                checkpoint(
                    "i1",
                    revision,
                    history=[("", record(f"/do/{revision}/x"))],
                    outbox=[event(str(revision))],
                )
            ]
        )
        await insisted(lambda batch=batch: store.commit(batch, token))  # type: ignore[misc]
    assert [each["position"] for each in await inner.history("i1")] == [f"/do/{n}/x" for n in range(1, 21)]
    assert [each["id"] for each in await inner.outbox()] == [str(n) for n in range(1, 21)]
    assert [each.id for each in (await insisted(lambda: store.find(Query()))).items] == ["i1"]
    assert store.failed > 5
    await store.close()


async def test_the_same_seed_fails_the_same_calls() -> None:
    runs = []
    for _ in range(2):
        store, failed = FaultyStore(MemoryStore(), 7, Faults(delay=0, delay_s=0)), []
        for n in range(50):
            try:
                await store.outbox()
            except StoreUnavailable as error:
                failed.append((n, str(error)))
        runs.append(failed)
    assert runs[0] == runs[1]
    assert runs[0]


async def test_written_and_reported_as_timed_out() -> None:
    store = FaultyStore(MemoryStore(), faults=Faults(0, 0, 1, 0, 0))
    token = await store.store.acquire("one", 30)
    assert token is not None
    with pytest.raises(StoreUnavailable, match="time for commit"):
        await store.commit(Batch([checkpoint("i1")]), token)
    assert "i1" in await store.store.load(["i1"])


async def test_failed_before_anything_was_done() -> None:
    store = FaultyStore(MemoryStore(), faults=Faults(1, 0, 0, 0))
    token = await store.store.acquire("one", 30)
    assert token is not None
    with pytest.raises(StoreUnavailable, match="not done"):
        await store.commit(Batch([checkpoint("i1")]), token)
    assert await store.store.load(["i1"]) == {}
