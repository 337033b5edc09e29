"""The Redis store keeps the contract: on one server, a cluster, behind sentinels, and on Infinispan."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
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
    def settings(self, redis_cluster_server: RedisCluster) -> Iterator[RedisSettings]:
        def failed_after(milliseconds: int) -> None:
            for node in redis_cluster_server.nodes:
                node.ask("CONFIG", "SET", "cluster-node-timeout", str(milliseconds))

        # A node that is busy with twenty megabytes is not to be taken for a failed one.
        failed_after(30_000)
        yield RedisSettings.from_url(f"{redis_cluster_server.url}?cluster=true&{_PATIENCE}")
        failed_after(1000)


class TestRedisSentinel(RedisContract):
    @pytest.fixture
    def settings(self, redis_sentinel_server: RedisSentinel) -> Iterator[RedisSettings]:
        server = redis_sentinel_server

        def failed_after(milliseconds: int) -> None:
            for sentinel in server.sentinels:
                sentinel.ask("SENTINEL", "SET", server.service, "down-after-milliseconds", str(milliseconds))

        failed_after(30_000)
        hosts = ",".join(f"{host}:{port}" for host, port in server.sentinel_addresses)
        yield RedisSettings.from_url(f"redis://{hosts}/0?sentinel={server.service}&{_PATIENCE}")
        failed_after(500)


class TestInfinispan(RedisContract):
    @pytest.fixture
    def settings(self, infinispan_server: Any) -> RedisSettings:
        return RedisSettings.from_url(f"{infinispan_server.url}&{_PATIENCE}")
