"""Several stores on one database: processes that compete for an application, and applications that share tables."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from flowrt.stores.protocol import Batch, Query, StaleOwner
from flowrt.stores.sql import SqlStore
from flowrt.testing.contract.records import checkpoint, event, full, record
from tests.stores.sql.contract import execute

Open = Callable[[str], Awaitable[SqlStore]]
_names = itertools.count()


@pytest.fixture(params=["sqlite", "postgres_server", "pgbouncer_server", "mariadb_server"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/shared.db"
    server: Any = request.getfixturevalue(request.param)
    if request.param == "mariadb_server":
        return f"{server.url.rpartition('/')[0]}/shared_{next(_names)}?migrateAtStart=true"
    return f"{server.url}?migrateAtStart=true&schema=shared_{next(_names)}"


@pytest.fixture
async def open_store(url: str) -> AsyncIterator[Open]:
    opened: list[SqlStore] = []

    async def open_store(application: str) -> SqlStore:
        store = SqlStore.from_url(url, application)
        opened.append(store)
        await store.open()
        return store

    yield open_store
    for store in opened:
        await store.close()


async def test_only_the_holder_writes(open_store: Open) -> None:
    one, two = await open_store("orders"), await open_store("orders")
    token = await one.acquire("one", 30)
    assert token is not None
    assert await two.acquire("two", 30) is None
    await one.commit(Batch([checkpoint("i1")]), token)
    await one.release(token)
    later = await two.acquire("two", 30)
    assert later is not None
    await two.commit(Batch([checkpoint("i1", 2)]), later)
    with pytest.raises(StaleOwner):
        await one.commit(Batch([checkpoint("i1", 3)]), token)
    assert [each.id for each, _ in await one.unfinished()] == ["i1"]
    assert not await one.renew(token, 30)


async def test_no_commit_slips_past_a_takeover(open_store: Open) -> None:
    one, two = await open_store("orders"), await open_store("orders")
    token = await one.acquire("one", 0.05)
    assert token is not None
    await one.commit(Batch([checkpoint("i1")]), token)
    revisions = [1]

    async def write() -> None:
        for revision in itertools.count(2):
            try:
                await one.commit(Batch([checkpoint("i1", revision)]), token)
            except StaleOwner:
                return
            revisions.append(revision)

    writing = asyncio.create_task(write())
    async with asyncio.timeout(20):
        while (later := await two.acquire("two", 30)) is None:
            await asyncio.sleep(0.01)
    seen: Any = (await two.load(["i1"]))["i1"]
    await writing
    # What the new holder saw when it had the lease is the last that the old one could write.
    assert seen.head["revision"] == revisions[-1]
    await two.commit(Batch([checkpoint("i1", revisions[-1] + 1)]), later)


async def test_applications_do_not_see_each_other(open_store: Open) -> None:
    one, two = await open_store("one"), await open_store("two ")
    for store in (one, two):
        token = await store.acquire("h", 30)
        assert token == 1
        assert await store.find(Query()) == await two.find(Query(role="none"))
        twice = checkpoint("i2", history=[("", record("/a")), ("", record("/a", 0, 1))])
        await store.commit(Batch([full("i1"), twice], [("/s", "1", 9e9)]), token)
    await one.commit(Batch([checkpoint("i1", 2, outbox=[event("e9")])], sent=[("/till", "e1"), ("/till", "e2")]), 1)
    await one.forget_seen(1e10)
    assert await one.delete(["i1", "i2"]) == 2
    assert await one.seen([("/s", "1")]) == set()
    assert [each["id"] for each in await one.outbox()] == ["e9"]
    assert len(await two.history("i1")) == len(await two.history("i2")) == 2
    assert await two.seen([("/s", "1")]) == {("/s", "1")}
    assert [each["id"] for each in await two.outbox()] == ["e1", "e2"]
    assert [each.id for each in (await two.find(Query(tag=("colour", "blue")))).items] == ["i1"]


async def test_a_change_of_compression_keeps_what_was_written(open_store: Open, url: str) -> None:
    plain = await open_store("orders")
    token = await plain.acquire("h", 30)
    assert token is not None
    big = {"text": "abc" * 1000}
    await plain.commit(Batch([checkpoint("i1", fields={"input": big})]), token)
    separator = "&" if "?" in url else "?"
    squeezed = SqlStore.from_url(f"{url}{separator}compression=bzip2", "orders")
    await squeezed.open()
    await squeezed.commit(Batch([checkpoint("i1", 2, fields={"output": big})]), token)
    for store in (plain, squeezed):
        found: Any = (await store.load(["i1"]))["i1"]
        assert found.fields == {"input": big, "output": big}
    [(length,)] = await execute(squeezed, "SELECT length(output) FROM {schema}process_instance_entity")
    assert int(str(length)) < 200
    await squeezed.close()


async def test_the_guides_columns_are_filled(open_store: Open) -> None:
    store = await open_store("orders")
    token = await store.acquire("h", 30)
    assert token is not None
    await store.commit(Batch([full("i1")]), token)
    instances = await execute(
        store,
        "SELECT application_id, instance_id, workflow_name, workflow_namespace, workflow_version, status, input "
        "FROM {schema}process_instance_entity",
    )
    assert [(*row[:-1], bytes(row[-1])) for row in instances] == [  # type: ignore[arg-type]
        ("orders", "i1", "order", "shop", "1.0.0", 2, b'{"a":[1,2.5,null,true]}')
    ]
    tasks = await execute(
        store,
        "SELECT json_pointer, iteration, task_type, is_end_node, retry_attempt, next_position, context "
        "FROM {schema}task_info_entity ORDER BY task_type, json_pointer",
    )
    assert [(*row[:-1], None if row[-1] is None else bytes(row[-1])) for row in tasks] == [  # type: ignore[arg-type]
        ("/do/0/first", 0, 1, False, 0, "/do/1/pause", b'{"c":1}'),
        ("/do/2/loop/do/0/in", 7, 1, True, 0, None, None),
        ("/do/1/pause", 3, 2, None, 2, None, None),
        ("/do", 0, 3, None, 0, None, None),
    ]
    [(found,)] = await execute(
        store, "SELECT count(*) FROM {schema}task_info_entity WHERE instant IS NOT NULL AND task_type = 2"
    )
    assert found == 1
    events = await execute(store, "SELECT id, source, type, version, processed_flag FROM {schema}cloud_event_entity")
    assert sorted(events) == [("e1", "/till", "paid", 1, False), ("e2", "/till", "paid", 1, False)]
