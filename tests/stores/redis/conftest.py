"""`opened`: stores that are closed when the test has ended."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from flowrt.stores.redis import RedisSettings, RedisStore


@pytest.fixture
async def opened() -> AsyncIterator[Callable[..., Any]]:
    stores: list[RedisStore] = []

    async def open_one(place: str | RedisSettings, application: str = "test") -> RedisStore:
        settings = RedisSettings.from_url(place) if isinstance(place, str) else place
        store = RedisStore(settings, application)
        stores.append(store)
        await store.open()
        return store

    yield open_one
    for store in stores:
        await store.close()
