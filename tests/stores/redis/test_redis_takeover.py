"""The Redis store when another server takes over, and when another process does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from flowrt.core.records import Stored
from flowrt.stores.protocol import StaleOwner, StoreUnavailable
from flowrt.stores.redis import RedisStore
from tests.servers.fixtures import StartServer
from tests.servers.redis import Redis
from tests.servers.redis_cluster import RedisCluster
from tests.servers.redis_sentinel import RedisSentinel
from tests.stores.redis.together import batch, check_whole, commit_until


async def test_the_store_goes_on_when_sentinels_name_another_master(
    redis_sentinel_server: RedisSentinel, opened: Callable[..., Any]
) -> None:
    server = redis_sentinel_server
    hosts = ",".join(f"{host}:{port}" for host, port in server.sentinel_addresses)
    store = await opened(f"redis://{hosts}/0?sentinel={server.service}&replicas=1")
    token = await store.acquire("one", 600)
    failing = asyncio.create_task(asyncio.to_thread(server.failover))
    revision = await commit_until(store, token, failing.done)
    await failing
    async with asyncio.timeout(20):
        while await store.check() is not None:
            await asyncio.sleep(0.05)  # the pace of the questions
    await store.commit(batch(await check_whole(store, revision) + 1), token)


async def test_the_store_goes_on_when_a_replica_of_the_cluster_takes_over(
    redis_cluster_server: RedisCluster, opened: Callable[..., Any]
) -> None:
    server = redis_cluster_server
    applications = [f"shop{n}" for n in range(12)]  # on all three masters
    stores = [await opened(f"{server.url}?cluster=true&replicas=1", application) for application in applications]
    tokens = [await store.acquire("one", 600) for store in stores]
    failing = asyncio.create_task(asyncio.to_thread(server.failover))
    running = [
        asyncio.create_task(commit_until(store, token, failing.done))
        for store, token in zip(stores, tokens, strict=True)
    ]
    revisions = await asyncio.gather(*running)
    await failing
    for store, token, revision in zip(stores, tokens, revisions, strict=True):
        await store.commit(batch(await check_whole(store, revision) + 1), token)


async def test_a_write_that_too_few_replicas_have_does_not_count(
    start_server: StartServer, opened: Callable[..., Any]
) -> None:
    server = start_server(Redis())
    plain = await opened(server.url)
    token = await plain.acquire("one", 600)
    waiting = await opened(f"{server.url}?replicas=1&timeout=2000")
    with pytest.raises(StoreUnavailable, match="0 of 1 replicas have the write"):
        await waiting.commit(batch(1), token)
    start_server(Redis(settings=[f"replicaof 127.0.0.1 {server.port}", "repl-diskless-sync-delay 0"]))
    await commit_until(waiting, token, lambda: server.ask("ROLE")[2] != [])
    await waiting.commit(batch(1), token)


async def test_processes_that_race_for_the_lease_never_both_write(redis_or_infinispan: str, opened: Any) -> None:
    stores = [await opened(redis_or_infinispan, "race") for _ in range(4)]
    written: list[tuple[int, int]] = []

    async def run(store: RedisStore, holder: str) -> None:
        for _ in range(15):
            token = await store.acquire(holder, 0.001)
            if token is None:
                continue
            loaded = (await store.load(["i0"])).get("i0")
            revision = loaded.head["revision"] + 1 if isinstance(loaded, Stored) else 1
            try:
                await store.commit(batch(revision), token)
                written.append((revision, token))
            except StaleOwner:
                pass

    await asyncio.gather(*(run(store, f"holder {n}") for n, store in enumerate(stores)))
    revisions = [revision for revision, _ in written]
    assert sorted(set(revisions)) == sorted(revisions)
    assert [token for _, token in sorted(written)] == sorted(token for _, token in written)
    await check_whole(stores[0], max(revisions))


@pytest.fixture(params=["redis_server", "infinispan_server"])
def redis_or_infinispan(request: pytest.FixtureRequest) -> str:
    url = str(request.getfixturevalue(request.param).url)
    return f"{url}{'&' if '?' in url else '?'}timeout=20000"
