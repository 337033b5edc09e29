"""The Redis store when the server refuses, is slow, is gone, comes back, or another one takes over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from flowrt.core.records import Stored
from flowrt.stores.protocol import Batch, Query, StaleOwner, StoreRefused, StoreUnavailable
from flowrt.stores.redis import RedisSettings, RedisStore
from tests.servers.fixtures import StartServer
from tests.servers.redis import Redis
from tests.servers.redis_cluster import RedisCluster
from tests.servers.redis_sentinel import RedisSentinel
from tests.stores.checkpoints import checkpoint, entry, record

INSTANCES = 8


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


def batch(revision: int) -> Batch:
    """All instances move together."""
    status = "waiting" if revision % 2 else "running"
    return Batch(
        [
            checkpoint(
                entry(f"i{n}", status),
                revision,
                live={("/do", 0): ({"sequence": 1} if revision == 1 else None, {"attempt": revision})},
                history=[("", record(f"/do/{revision}", output="x" * 200))],
                outbox=[{"source": "/s", "id": f"{n}-{revision}"}],
            )
            for n in range(INSTANCES)
        ],
        sent=[("/s", f"{n}-{revision - 1}") for n in range(INSTANCES)],
    )


async def check_whole(store: RedisStore, acknowledged: int) -> int:
    """The revision that all instances have, with everything that belongs to it."""
    loaded = await store.load([f"i{n}" for n in range(INSTANCES)])
    assert len(loaded) == INSTANCES
    revisions = {stored.head["revision"] for stored in loaded.values() if isinstance(stored, Stored)}
    assert len(revisions) == 1
    revision: int = revisions.pop()
    assert acknowledged <= revision <= acknowledged + 1
    for id_, stored in loaded.items():
        assert isinstance(stored, Stored)
        assert [moving for _, _, moving in stored.live] == [{"attempt": revision}]
        positions = [done["position"] for done in await store.history(id_)]
        assert positions == [f"/do/{n}" for n in range(1, revision + 1)]
    status = "waiting" if revision % 2 else "running"
    assert len((await store.find(Query(status=status))).items) == INSTANCES
    assert [event["id"] for event in await store.outbox()] == [f"{n}-{revision}" for n in range(INSTANCES)]
    return revision


async def commit_until(store: RedisStore, token: int, done: Callable[[], bool]) -> int:
    """Commits without end, repeating what was not acknowledged; the last revision acknowledged."""
    revision = 0
    while not done():
        try:
            await store.commit(batch(revision + 1), token)
            revision += 1
        except StoreUnavailable:
            await asyncio.sleep(0.01)  # the pace of the repetitions
    return revision


async def test_a_killed_server_has_all_it_acknowledged_and_goes_on(
    start_server: StartServer, opened: Callable[..., Any]
) -> None:
    server = start_server(Redis(append_fsync="always"))
    store = await opened(server.url)
    token = await store.acquire("one", 600)
    kills = 5

    async def kill_and_restart() -> None:
        for _ in range(kills):
            await asyncio.sleep(0.2)  # work goes on meanwhile
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.restart)

    killing = asyncio.create_task(kill_and_restart())
    revision = await commit_until(store, token, killing.done)
    await killing
    assert revision > kills
    assert await check_whole(store, revision) == revision


async def test_a_server_that_is_gone_is_named_and_its_password_is_not(
    start_server: StartServer, opened: Callable[..., Any]
) -> None:
    server = start_server(Redis(password="open sesame"))
    store = await opened(server.url)
    token = await store.acquire("one", 30)
    server.stop()
    for call in (store.commit(batch(1), token), store.load(["a"]), store.acquire("one", 1), store.find(Query())):
        with pytest.raises(StoreUnavailable, match=rf"127\.0\.0\.1:{server.port}") as refused:
            await call
        assert "sesame" not in str(refused.value)
    assert f"127.0.0.1:{server.port}" in (await store.check() or "")
    with pytest.raises(StoreUnavailable, match=rf"127\.0\.0\.1:{server.port}"):
        await opened(server.url)
    server.restart()
    assert await store.check() is None
    await store.commit(batch(1), token)


async def test_a_wrong_password_is_refused(start_server: StartServer, opened: Callable[..., Any]) -> None:
    server = start_server(Redis(password="right"))
    for credentials in (":wrong@", "nobody:right@", ""):
        with pytest.raises(StoreRefused, match="does not let flowrt in") as refused:
            await opened(f"redis://{credentials}127.0.0.1:{server.port}")
        assert "right" not in str(refused.value)


async def test_a_user_and_a_database(start_server: StartServer, opened: Callable[..., Any]) -> None:
    server = start_server(Redis(settings=["user shop on >s3cret ~flowrt:* +@all -config"]))
    store = await opened(f"valkey://shop:s3cret@127.0.0.1:{server.port}/3")
    await store.commit(batch(1), await store.acquire("one", 30))
    assert server.ask("INFO", "keyspace").count("db3:") == 1
    assert "db0:" not in server.ask("INFO", "keyspace")
    assert (await store.info())["durability"] == {"appendonly": "yes", "maxmemory-policy": "noeviction"}


async def test_tls_trusts_the_given_authority_only(start_server: StartServer, opened: Callable[..., Any]) -> None:
    server = start_server(Redis(tls=True, password="right"))
    store = await opened(server.url)
    await store.commit(batch(1), await store.acquire("one", 30))
    assert len(await store.unfinished()) == INSTANCES
    with pytest.raises(StoreUnavailable, match=r"(?i)certificate"):
        await opened(server.url.partition("?")[0])


@pytest.mark.parametrize(
    ("server", "loss"),
    [
        (Redis(append_only=False), "appendonly yes"),
        (Redis(append_fsync="everysec"), "appendfsync always"),
        (Redis(append_fsync="always", settings=["maxmemory-policy allkeys-lru"]), "noeviction"),
    ],
    ids=["no log", "everysec", "eviction"],
)
async def test_a_server_that_may_lose_is_warned_of_or_refused(
    start_server: StartServer, opened: Callable[..., Any], caplog: pytest.LogCaptureFixture, server: Redis, loss: str
) -> None:
    start_server(server)
    await opened(server.url)
    assert [loss in line.getMessage() for line in caplog.records] == [True]
    with pytest.raises(StoreRefused, match=loss):
        await opened(f"{server.url}?requireDurable=true")


async def test_a_durable_server_is_not_warned_of(
    start_server: StartServer, opened: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    server = start_server(Redis(append_fsync="always"))
    await opened(f"{server.url}?requireDurable=true")
    assert caplog.records == []


async def test_out_of_memory_writes_nothing(start_server: StartServer, opened: Callable[..., Any]) -> None:
    server = start_server(Redis())
    store = await opened(server.url)
    token = await store.acquire("one", 30)
    await store.commit(batch(1), token)
    server.ask("CONFIG", "SET", "maxmemory", "1mb")
    with pytest.raises(StoreUnavailable, match=r"(?i)memory"):
        await store.commit(batch(2), token)
    assert await check_whole(store, 1) == 1
    server.ask("CONFIG", "SET", "maxmemory", "0")
    await store.commit(batch(2), token)
    assert await check_whole(store, 2) == 2


async def test_a_replica_takes_no_writes(start_server: StartServer, opened: Callable[..., Any]) -> None:
    server = start_server(Redis())
    store = await opened(server.url)
    token = await store.acquire("one", 30)
    server.ask("REPLICAOF", "127.0.0.1", "1")
    with pytest.raises(StoreUnavailable, match=r"(?i)read only replica"):
        await store.commit(batch(1), token)
    assert "replica" in (await store.check() or "")
    server.ask("REPLICAOF", "NO", "ONE")
    await store.commit(batch(1), token)
    assert await store.check() is None


async def test_what_was_written_but_not_answered_in_time_is_repeated_without_effect(
    start_server: StartServer, opened: Callable[..., Any]
) -> None:
    server = start_server(Redis())
    store = await opened(f"{server.url}?timeout=150")
    token = await store.acquire("one", 30)
    await store.commit(batch(1), token)
    server.ask("CLIENT", "PAUSE", "400", "WRITE")
    began = time.monotonic()
    with pytest.raises(StoreUnavailable, match=r"(?i)timeout"):
        await store.commit(batch(2), token)
    assert time.monotonic() - began < 0.4
    server.ask("CLIENT", "UNPAUSE")
    while True:
        try:
            await store.commit(batch(2), token)
            break
        except StoreUnavailable:
            continue
    assert await check_whole(store, 2) == 2


async def test_connections_are_limited_kept_and_closed(start_server: StartServer, opened: Callable[..., Any]) -> None:
    server = start_server(Redis())

    def connected() -> int:
        return int(server.ask("CLIENT", "LIST", "TYPE", "normal").count("id=")) - 1  # the one that asks

    limited = await opened(f"{server.url}?maxTotal=2&minIdle=2")
    assert connected() == 2
    await asyncio.gather(*(limited.load([str(n)]) for n in range(50)))
    assert connected() == 2
    await limited.close()
    few = await opened(f"{server.url}?maxIdle=1")
    await asyncio.gather(*(few.load([str(n)]) for n in range(20)))
    async with asyncio.timeout(5):
        while connected() != 1:
            await asyncio.sleep(0)


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
    waiting = await opened(f"{server.url}?replicas=1&timeout=200")
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


@pytest.fixture(params=["redis_server", pytest.param("infinispan_server", marks=pytest.mark.heavy)])
def redis_or_infinispan(request: pytest.FixtureRequest) -> str:
    url = str(request.getfixturevalue(request.param).url)
    return f"{url}{'&' if '?' in url else '?'}timeout=20000"
