"""The Redis store keeps the contract: on one server, a cluster, behind sentinels, and on Infinispan."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest

from flowrt.stores.protocol import Store
from flowrt.stores.redis import RedisSettings, RedisStore
from flowrt.stores.redis.connection import connect
from flowrt.stores.redis.names import Names
from flowrt.testing.stores import Damage, Reopen, StoreContract
from tests.servers.redis_cluster import RedisCluster
from tests.servers.redis_sentinel import RedisSentinel

_applications = itertools.count()
_PATIENCE = "timeout=20000"


class RedisContract(StoreContract):
    """Subclasses say which server."""

    @pytest.fixture
    def settings(self) -> RedisSettings:
        raise TypeError(f"{type(self).__name__} has no fixture `settings`")

    @pytest.fixture
    def application(self) -> str:
        return f"contract {{{next(_applications)}}}"

    @pytest.fixture
    async def store(self, settings: RedisSettings, application: str) -> AsyncIterator[Store]:
        store = RedisStore(settings, application)
        await store.open()
        yield store
        await store.close()

    @pytest.fixture
    async def reopen(self, settings: RedisSettings, application: str) -> AsyncIterator[Reopen]:
        opened: list[Store] = []

        async def close_and_open(store: Store) -> Store:
            await store.close()
            opened.append(RedisStore(settings, application))
            await opened[-1].open()
            return opened[-1]

        yield close_and_open
        for again in opened:
            await again.close()

    @pytest.fixture
    def damage(self, settings: RedisSettings, application: str) -> Damage:
        async def tear_head(store: Store, id: str) -> None:
            names = Names(application)
            client: Any = await connect(settings, names.lease)
            await client.hset(names.instance(id.encode()), "head", b"{torn")
            await client.aclose()

        return tear_head


class TestRedis(RedisContract):
    @pytest.fixture
    def settings(self, redis_server: Any) -> RedisSettings:
        return RedisSettings.from_url(f"{redis_server.url}?{_PATIENCE}")


class TestRedisCompressed(RedisContract):
    @pytest.fixture
    def settings(self, redis_server: Any) -> RedisSettings:
        return RedisSettings.from_url(f"{redis_server.url}?{_PATIENCE}&compression=deflate")


class TestRedisCluster(RedisContract):
    @pytest.fixture
    def settings(self, redis_cluster_server: RedisCluster) -> RedisSettings:
        return RedisSettings.from_url(f"{redis_cluster_server.url}?cluster=true&{_PATIENCE}")


class TestRedisSentinel(RedisContract):
    @pytest.fixture
    def settings(self, redis_sentinel_server: RedisSentinel) -> RedisSettings:
        hosts = ",".join(f"{host}:{port}" for host, port in redis_sentinel_server.sentinel_addresses)
        return RedisSettings.from_url(f"redis://{hosts}/0?sentinel={redis_sentinel_server.service}&{_PATIENCE}")


@pytest.mark.heavy
class TestInfinispan(RedisContract):
    @pytest.fixture
    def settings(self, infinispan_server: Any) -> RedisSettings:
        return RedisSettings.from_url(f"{infinispan_server.url}&{_PATIENCE}")
