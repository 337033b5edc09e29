"""What a database refuses, and how the store says so: unavailable and worth repeating, or refused and why."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]
import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from flowrt.stores.protocol import Batch, StoreRefused, StoreUnavailable
from flowrt.stores.sql import SqlSettings, SqlStore
from flowrt.stores.sql.commit import Commits
from flowrt.testing.contract.records import checkpoint
from tests.servers.fixtures import StartServer
from tests.servers.postgres import Postgres
from tests.stores.sql.contract import execute

_names = itertools.count()


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[SqlStore]:
    store = SqlStore.from_url(f"sqlite:///{tmp_path}/f.db?connectionTimeout=50", "orders")
    await store.open()
    yield store
    await store.close()


@pytest.fixture(params=["postgres_server", "mariadb_server"])
def shared(request: pytest.FixtureRequest) -> SqlSettings:
    server: Any = request.getfixturevalue(request.param)
    schema = f"failing_{next(_names)}" if request.param == "postgres_server" else ""
    return SqlSettings.from_url(f"{server.url}?migrateAtStart=true&schema={schema}")


async def token_of(store: SqlStore) -> int:
    token = await store.acquire("h", 600)
    assert token is not None
    return token


async def test_a_full_disk_takes_nothing_of_a_batch(sqlite: SqlStore) -> None:
    token = await token_of(sqlite)
    await sqlite.commit(Batch([checkpoint("i1")]), token)
    [(pages,)] = await execute(sqlite, "PRAGMA page_count")
    await execute(sqlite, f"PRAGMA max_page_count = {pages}")
    batch = Batch([checkpoint("i1", 2), checkpoint("i2", fields={"input": "x" * 1_000_000})])
    with pytest.raises(StoreUnavailable, match=r"f\.db: .*full"):
        await sqlite.commit(batch, token)
    assert list(await sqlite.load(["i1", "i2"])) == ["i1"]
    await execute(sqlite, "PRAGMA max_page_count = 1000000")
    await sqlite.commit(batch, token)
    assert set(await sqlite.load(["i1", "i2"])) == {"i1", "i2"}


async def test_a_locked_file(sqlite: SqlStore) -> None:
    token = await token_of(sqlite)
    other = sqlite3.connect(sqlite.settings.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        await sqlite.commit(Batch([checkpoint("i1")]), token)
    # One that reads is not held up.
    assert await sqlite.load(["i1"]) == {}
    other.execute("ROLLBACK")
    other.close()
    await sqlite.commit(Batch([checkpoint("i1")]), token)


async def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreUnavailable, match="not a database"):
        await SqlStore.from_url(f"sqlite:///{tmp_path}/x.db", "orders").open()


async def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="cannot be created"):
        await SqlStore.from_url(f"sqlite:///{tmp_path}/file/x.db", "orders").open()


async def test_memory_is_no_file() -> None:
    with pytest.raises(StoreRefused, match="memory://"):
        await SqlStore.from_url("sqlite:///:memory:", "orders").open()


async def test_faults_of_our_own_are_not_hidden(sqlite: SqlStore) -> None:
    token = await token_of(sqlite)
    await execute(sqlite, "DROP TABLE earlier_task_entity")
    with pytest.raises(DBAPIError, match="earlier_task_entity"):
        await sqlite.commit(Batch([checkpoint("i1", pruned={"/l": 1})]), token)


async def test_a_store_that_is_not_open(sqlite: SqlStore) -> None:
    await sqlite.close()
    with pytest.raises(StoreUnavailable, match="not open"):
        await sqlite.outbox()
    assert "not open" in (await sqlite.check() or "")


async def test_a_wrong_password_is_refused_without_showing_it(shared: SqlSettings) -> None:
    with pytest.raises(StoreRefused, match="check user and password") as refused:
        await SqlStore(replace(shared, password="hush-hush"), "orders").open()
    assert "hush-hush" not in str(refused.value)


async def test_a_read_only_server_is_unavailable(shared: SqlSettings) -> None:
    store = SqlStore(shared, "orders")
    await store.open()
    token = await token_of(store)
    if shared.dialect == "postgresql":
        await execute(store, "CREATE ROLE reader LOGIN PASSWORD 'r' IN ROLE pg_read_all_data")
        await execute(store, "ALTER ROLE reader SET default_transaction_read_only = on")
        await execute(store, f"GRANT ALL ON SCHEMA {shared.schema} TO reader")
        await execute(store, f"GRANT ALL ON ALL TABLES IN SCHEMA {shared.schema} TO reader")
    else:
        await execute(store, "CREATE USER reader@'%' IDENTIFIED BY 'r'")
        await execute(store, "GRANT SELECT, INSERT, UPDATE, DELETE ON *.* TO reader@'%'")
        await execute(store, "SET GLOBAL read_only = ON")
    read_only = SqlStore(replace(shared, username="reader", password="r", migrate_at_start=False), "orders")
    try:
        await read_only.open()
        with pytest.raises(StoreUnavailable, match=r"(?i)read.only"):
            await read_only.commit(Batch([checkpoint("i1")]), token)
        assert await read_only.load(["i1"]) == {}
    finally:
        if shared.dialect == "mysql":
            await execute(store, "SET GLOBAL read_only = OFF")
            await execute(store, "DROP USER reader@'%'")
        else:
            await execute(store, "DROP OWNED BY reader")
            await execute(store, "DROP ROLE reader")
        await read_only.close()
        await store.close()


async def test_a_database_that_may_not_be_created(shared: SqlSettings) -> None:
    store = SqlStore(shared, "orders")
    await store.open()
    if shared.dialect == "postgresql":
        await execute(store, "CREATE ROLE humble LOGIN PASSWORD 'h'")
    else:
        await execute(store, "CREATE USER humble@'%' IDENTIFIED BY 'h'")
    try:
        humble = replace(shared, username="humble", password="h", database="of_others")
        with pytest.raises(StoreRefused, match=r"of_others.*create"):
            await SqlStore(humble, "orders").open()
    finally:
        await execute(store, "DROP ROLE humble" if shared.dialect == "postgresql" else "DROP USER humble@'%'")
        await store.close()


async def test_an_exhausted_pool_is_unavailable(shared: SqlSettings) -> None:
    store = SqlStore(replace(shared, maximum_pool_size=2, connection_timeout_ms=200), "orders")
    await store.open()
    sleep = "SELECT pg_sleep(2)" if shared.dialect == "postgresql" else "SELECT sleep(2)"
    async with asyncio.TaskGroup() as group:
        for _ in range(2):
            group.create_task(execute(store, sleep))
        await asyncio.sleep(0.1)
        with pytest.raises(StoreUnavailable, match="no connection of 2"):
            await store.outbox()
    await store.close()


async def test_a_server_that_does_not_answer_is_unavailable(shared: SqlSettings) -> None:
    store = SqlStore(replace(shared, statement_timeout_ms=300), "orders")
    await store.open()
    sleep = "SELECT pg_sleep(5)" if shared.dialect == "postgresql" else "SELECT sleep(5)"
    with pytest.raises(StoreUnavailable):
        await execute(store, sleep)
    assert await store.outbox() == []
    await store.close()


async def test_a_server_that_is_not_durable(start_server: StartServer) -> None:
    server = start_server(Postgres(settings=["synchronous_commit = off"]))
    store = SqlStore.from_url(f"{server.url}?migrateAtStart=true", "orders")
    await store.open()
    info = await store.info()
    assert info["durable"] is False
    assert "synchronous_commit" in info["warning"]
    await store.close()
    with pytest.raises(StoreRefused, match="synchronous_commit"):
        await SqlStore.from_url(f"{server.url}?requireDurable=true", "orders").open()


async def test_sessions_that_the_server_has_ended_are_not_used(
    postgres_server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = f"failing_{next(_names)}"
    settings = SqlSettings.from_url(f"{postgres_server.url}?migrateAtStart=true&schema={schema}")
    store, other = SqlStore(settings, "orders"), SqlStore(settings, "others")
    await store.open()
    await other.open()
    token = await token_of(store)
    pooled = [row[0] for row in await asyncio.gather(*(_session(store) for _ in range(3)))]
    tried: list[Connection] = []
    write = Commits.write

    def noted(commits: Commits, connection: Connection, *rest: Any) -> None:
        tried.append(connection)
        write(commits, connection, *rest)

    monkeypatch.setattr(Commits, "write", noted)
    await execute(other, f"SELECT pg_terminate_backend(pid) FROM unnest(ARRAY{pooled}) AS pid")
    await _all_gone(other, pooled)
    await store.commit(Batch([checkpoint("i1")]), token)
    assert len(tried) == 1
    assert list(await store.load(["i1"])) == ["i1"]
    await store.close()
    await other.close()


async def _session(store: SqlStore) -> Any:
    return (await execute(store, "SELECT pg_backend_pid(), pg_sleep(0.2)"))[0]


async def _all_gone(store: SqlStore, sessions: list[int]) -> None:
    query = f"SELECT pid FROM pg_stat_activity WHERE pid = ANY(ARRAY{sessions})"
    while await execute(store, query):
        await asyncio.sleep(0.01)
    # Their last words have been sent; that they are read needs this loop to turn.
    await asyncio.sleep(0.1)


async def test_what_only_the_driver_knows_of_a_lost_connection_is_unavailable(postgres_server: Postgres) -> None:
    schema = f"failing_{next(_names)}"
    store = SqlStore.from_url(f"{postgres_server.url}?migrateAtStart=true&schema={schema}", "orders")
    await store.open()
    tried: list[Connection] = []

    def lost(connection: Connection) -> None:
        tried.append(connection)
        raise asyncpg.InternalClientError("got result for unknown protocol state 3")

    with pytest.raises(StoreUnavailable, match="unknown protocol state"):
        await store.database.write(lost)
    assert len(tried) == 3
    await store.close()
