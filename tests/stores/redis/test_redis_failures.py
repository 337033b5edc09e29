"""The Redis store when the server refuses, is slow, is gone, or comes back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from flowrt.stores.protocol import Query, StoreRefused, StoreUnavailable
from tests.servers.fixtures import StartServer
from tests.servers.redis import Redis
from tests.stores.redis.together import INSTANCES, batch, check_whole, commit_until


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
