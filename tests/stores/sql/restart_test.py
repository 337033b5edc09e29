"""A database that is killed under load loses nothing acknowledged, says so meanwhile, and is used again when back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from flowrt.stores.protocol import Batch, Query, StoreUnavailable
from flowrt.stores.sql import SqlStore
from flowrt.testing.contract.records import checkpoint, record
from tests.servers import Server
from tests.servers.fixtures import StartServer
from tests.servers.mariadb import MariaDB
from tests.servers.postgres import Postgres

_SERVERS = [pytest.param(Postgres, id="postgresql"), pytest.param(MariaDB, id="mariadb")]
_WITHIN_S = 60


@dataclass
class Load:
    """Commits revision after revision of some instances, each until it is acknowledged."""

    store: SqlStore
    token: int
    acknowledged: dict[str, int] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)
    stopped: bool = False

    async def run(self, id: str) -> None:
        revision = 0
        while not self.stopped:
            revision += 1
            written = checkpoint(id, revision, history=[("", record(f"/do/{revision}/x", output="y" * 500))])
            while True:
                try:
                    await self.store.commit(Batch([written]), self.token)
                    break
                except StoreUnavailable as error:
                    self.refusals.append(str(error))
                    await asyncio.sleep(0.02)
            self.acknowledged[id] = revision

    async def until(self, reached: Callable[[], bool]) -> None:
        async with asyncio.timeout(_WITHIN_S):
            while not reached():
                await asyncio.sleep(0.01)


async def opened(server: Server) -> SqlStore:
    store = SqlStore.from_url(f"{server.url}?migrateAtStart=true&connectionTimeout=2000", "orders")
    await store.open()
    return store


@pytest.mark.parametrize("make", _SERVERS)
async def test_killed_and_restarted_under_load(make: type[Postgres | MariaDB], start_server: StartServer) -> None:
    server = start_server(make())
    store = await opened(server)
    token = await store.acquire("one", 600)
    assert token is not None
    load = Load(store, token)
    async with asyncio.TaskGroup() as group:
        for n in range(4):
            group.create_task(load.run(f"i{n}"))
        for _ in range(2):
            before = dict(load.acknowledged)
            await load.until(
                lambda before=before: all(  # type: ignore[misc]
                    load.acknowledged.get(f"i{n}", 0) > before.get(f"i{n}", 0) + 5 for n in range(4)
                )
            )
            load.refusals.clear()
            await asyncio.to_thread(server.kill)
            await load.until(lambda: len(load.refusals) >= 8)
            assert await store.check() is not None
            await asyncio.to_thread(server.restart)
        before = dict(load.acknowledged)
        await load.until(lambda: all(load.acknowledged[f"i{n}"] > before[f"i{n}"] + 5 for n in range(4)))
        load.stopped = True
    assert all(f":{server.port}" in each and server.password + "@" not in each for each in load.refusals)
    assert await store.check() is None
    for id, revision in load.acknowledged.items():
        assert [each["position"] for each in await store.history(id)] == [f"/do/{n}/x" for n in range(1, revision + 1)]
    await store.close()


@pytest.mark.parametrize("make", _SERVERS)
async def test_reads_go_on_after_a_restart(make: type[Postgres | MariaDB], start_server: StartServer) -> None:
    server = start_server(make())
    store = await opened(server)
    token = await store.acquire("one", 600)
    assert token is not None
    await store.commit(Batch([checkpoint("i1")]), token)
    await asyncio.to_thread(server.restart)
    # Connections of the pool are dead, and nobody notices.
    assert [each.id for each in (await store.find(Query())).items] == ["i1"]
    await store.commit(Batch([checkpoint("i1", 2)]), token)
    await store.close()


@pytest.mark.parametrize("make", _SERVERS)
async def test_a_server_that_is_not_there(make: type[Postgres | MariaDB], start_server: StartServer) -> None:
    server = start_server(make())
    await asyncio.to_thread(server.stop)
    with pytest.raises(StoreUnavailable, match=f"127.0.0.1:{server.port}"):
        await opened(server)
