"""The lease: one holder, tokens that grow, time that is the server's."""

from __future__ import annotations

import asyncio
import time

import pytest

from flowrt.stores.protocol import Batch, StaleOwner, Store
from flowrt.testing.contract.commits import token_of
from flowrt.testing.contract.records import checkpoint

SKEW_S = 600.0
_POLL_S = 0.02


async def taken_over(store: Store, holder: str, within_s: float) -> int:
    """The lease, as soon as another's has run out."""
    async with asyncio.timeout(within_s):
        while (token := await store.acquire(holder, 30)) is None:
            await asyncio.sleep(_POLL_S)
    return token


class LeaseContract:
    """Leases."""

    async def test_one_holder_at_a_time(self, store: Store) -> None:
        first = await token_of(store, "one")
        assert await store.acquire("two", 30) is None
        assert await store.renew(first, 30)
        await store.release(first)
        second = await store.acquire("two", 30)
        assert second is not None
        assert second > first
        assert not await store.renew(first, 30)
        await store.release(first)
        assert await store.acquire("one", 30) is None
        with pytest.raises(StaleOwner):
            await store.commit(Batch([checkpoint("i1")]), first)

    async def test_a_holder_that_comes_again_gets_a_new_token(self, store: Store) -> None:
        first = await token_of(store)
        second = await token_of(store)
        assert second > first
        assert not await store.renew(first, 30)
        assert await store.renew(second, 30)

    async def test_only_one_of_many_gets_it(self, store: Store) -> None:
        tokens = await asyncio.gather(*(store.acquire(f"h{n}", 30) for n in range(10)))
        assert len([token for token in tokens if token is not None]) == 1

    async def test_an_expired_lease_can_be_taken(self, store: Store) -> None:
        first = await store.acquire("one", 0.2)
        assert first is not None
        second = await taken_over(store, "two", 10)
        assert second > first
        assert not await store.renew(first, 30)

    async def test_a_renewed_lease_lasts(self, store: Store) -> None:
        token = await store.acquire("one", 0.2)
        assert token is not None
        assert await store.renew(token, 30)
        began = time.monotonic()
        while time.monotonic() - began < 0.5:
            assert await store.acquire("two", 30) is None
            await asyncio.sleep(_POLL_S)

    @pytest.mark.parametrize("skew_s", [-SKEW_S, SKEW_S])
    async def test_the_clocks_of_clients_do_not_count(
        self, store: Store, skew_s: float, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        true_time, true_ns = time.time, time.time_ns
        began = time.monotonic()
        token = await store.acquire("one", 1)
        assert token is not None
        monkeypatch.setattr(time, "time", lambda: true_time() + skew_s)
        monkeypatch.setattr(time, "time_ns", lambda: true_ns() + int(skew_s * 1e9))
        assert await store.acquire("two", 30) is None
        await taken_over(store, "two", 20)
        assert time.monotonic() - began >= 0.9
        assert await store.acquire("one", 30) is None
