"""PostgreSQL and MariaDB take a commit without being asked first; nothing of one stays that is not as expected."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asyncmy.protocol import pack_bulk_rows  # type: ignore[attr-defined]
from sqlalchemy import Connection, event

from flowrt.stores.protocol import Batch, Query, StaleOwner
from flowrt.stores.sql import SqlStore
from flowrt.stores.sql.bulk import Standing
from flowrt.stores.sql.pool import PREPARED
from flowrt.stores.sql.together_mariadb import TogetherInMariadb
from flowrt.testing.contract.records import checkpoint, entry, record
from tests.servers import Server

_schemas = itertools.count()


def another(server: Server, database: str) -> str:
    """The URL of a database that does not exist yet."""
    return f"{server.url.rpartition('/')[0]}/{database}"


@pytest.fixture(params=["postgres", "mariadb"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[SqlStore]:
    server: Server = request.getfixturevalue(f"{request.param}_server")
    name = f"together_{next(_schemas)}"
    place = f"{server.url}?schema={name}&" if request.param == "postgres" else f"{another(server, name)}?"
    store = SqlStore.from_url(f"{place}migrateAtStart=true", "orders")
    await store.open()
    yield store
    await store.close()


async def held(store: SqlStore) -> int:
    token = await store.acquire("h", 600)
    assert token is not None
    return token


async def said(store: SqlStore) -> dict[str, int]:
    """How often MariaDB has been told what, in all sessions."""

    def read(connection: Connection) -> dict[str, int]:
        found = connection.exec_driver_sql("SHOW GLOBAL STATUS WHERE Variable_name IN ('Com_commit', 'Com_rollback')")
        return {name: int(count) for name, count in found}

    return await store.database.read(read)


class Statements:
    """What SQLAlchemy executes; a commit as expected passes it by."""

    def __init__(self, store: SqlStore) -> None:
        database: Any = store.database
        self._engine = database._engine.sync_engine
        self.seen: list[str] = []

    def __enter__(self) -> list[str]:
        event.listen(self._engine, "before_cursor_execute", self._note)
        return self.seen

    def __exit__(self, *_: object) -> None:
        event.remove(self._engine, "before_cursor_execute", self._note)

    def _note(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        self.seen.append(statement)


def batch(revision: int, *ids: str, tasks: int = 3, **changed: Any) -> Batch:
    history = [("", record(f"/do/{revision}/{n}")) for n in range(tasks)]
    live = {(f"/do/{revision + 1}/x", 0): ({"sequence": 1}, {"attempt": 0})}
    gone = {(f"/do/{revision}/x", 0): None} if revision > 1 else {}
    return Batch([checkpoint(id, revision, history=history, live=live | gone, **changed) for id in ids])


@pytest.mark.parametrize("tasks", [0, 1, 3, 1000])
async def test_a_commit_as_expected_asks_nothing_first(store: SqlStore, tasks: int) -> None:
    token = await held(store)
    if not await store.database.read(lambda connection: getattr(connection.dialect, "is_mariadb", True)):
        pytest.skip("MySQL is asked first")
    with Statements(store) as seen:
        for revision in (1, 2, 3):
            await store.commit(batch(revision, "i1", "i2", tasks=tasks), token)
    assert seen == []
    assert len(await store.history("i2")) == 3 * tasks


async def test_nothing_is_written_beside_an_instance_that_stands_elsewhere(store: SqlStore) -> None:
    token = await held(store)
    await store.commit(batch(1, "i1", "i2"), token)
    await store.commit(batch(2, "i2"), token)
    await store.commit(batch(3, "i2"), token)
    with pytest.raises(StaleOwner) as refused:
        await store.commit(batch(2, "i1", "i2", "i3"), token)
    assert sorted(refused.value.instances) == ["i2", "i3"]
    assert len(await store.history("i1")) == 3
    assert "i3" not in await store.load(["i3"])


async def test_a_batch_that_was_written_is_not_written_again(store: SqlStore) -> None:
    token = await held(store)
    for revision in (1, 1, 2, 2):
        await store.commit(batch(revision, "i1"), token)
    assert len(await store.history("i1")) == 6


async def test_tags_that_change_are_found(store: SqlStore) -> None:
    token = await held(store)
    await store.commit(Batch([checkpoint(entry("i1", tags={"customer": "a"}), 1)]), token)
    await store.commit(Batch([checkpoint(entry("i1", tags={"customer": "b"}), 2)]), token)
    for customer, found in (("a", []), ("b", ["i1"])):
        assert [each.id for each in (await store.find(Query(tag=("customer", customer)))).items] == found


async def test_a_commit_waits_for_its_first_try(store: SqlStore) -> None:
    # The first try's connection was lost, but the server goes on with it: the second must see what it has done.
    token = await held(store)
    await store.commit(batch(1, "i1"), token)

    def first_try(connection: Connection) -> None:
        commits = store._commits
        again = batch(2, "i1")
        commits.write(connection, again, store._rows.plan(again, token), token, careful=True)

    await store.database.write(first_try)
    await store.commit(batch(2, "i1"), token)
    assert len(await store.history("i1")) == 6


async def test_a_takeover_waits_for_a_commit(store: SqlStore) -> None:
    token = await held(store)
    database: Any = store.database
    takeover: asyncio.Task[int | None] | None = None
    async with database._engine.connect() as connection:
        # Without its transaction, PostgreSQL's one statement would be over at once.
        await connection.execution_options(**{PREPARED: False} if store.name == "postgresql" else {})
        async with connection.begin():
            made = batch(1, "i1")
            plan = store._rows.plan(made, token)
            await connection.run_sync(lambda c: store._commits.write(c, made, plan, token, careful=False))
            takeover = asyncio.create_task(store.acquire("h", 600))
            done, _ = await asyncio.wait([takeover], timeout=0.3)
            assert not done
    assert await takeover == token + 1
    assert len(await store.history("i1")) == 3


@pytest.mark.parametrize("revision", [1, 2])
async def test_nothing_of_an_instance_is_written_under_a_token_that_is_not_current(
    store: SqlStore, revision: int
) -> None:
    token = await held(store)
    for each in range(1, revision):
        await store.commit(batch(each, "i1", "i2"), token)
    assert await store.acquire("h", 600) == token + 1
    with pytest.raises(StaleOwner) as refused:
        await store.commit(batch(revision, "i1", "i2"), token)
    assert not refused.value.instances
    assert len(await store.history("i1")) == 3 * (revision - 1)


async def test_a_connection_that_has_committed_is_returned_without_a_word(mariadb_server: Server) -> None:
    store = SqlStore.from_url(f"{another(mariadb_server, 'words')}?migrateAtStart=true", "orders")
    await store.open()
    token = await held(store)
    await store.commit(batch(1, "i1"), token)
    before = await said(store)
    await store.commit(batch(1, "i2", tasks=1), token)
    after = await said(store)
    changed = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    await store.close()
    # Counting them is one statement, committed as well.
    assert changed.get("Com_rollback", 0) == 0
    assert changed["Com_commit"] == 2


@pytest.mark.parametrize("revision", [1, 2])
def test_however_many_instances_the_driver_takes_them_in_one_message(revision: int) -> None:
    store = SqlStore.from_url("mysql://nobody@nowhere/orders", "orders")
    made = batch(revision, *(f"i{n}" for n in range(50)), fields={"context": {"n": 1}})
    plan = store._rows.plan(made, 7)
    expected = {id: Standing(revision - 1, 7, tags) for id, (tags, _) in plan.tags.items()} if revision > 1 else {}
    together = TogetherInMariadb("orders", store._commits.tables, expected, 7)
    nobody: Any = None
    store._commits._rows(together, nobody, made, plan, expected, 7, careful=False)
    assert len(together._messages) <= 5
    for statement, rows in together._messages:
        # What it does not take so, it sends row by row.
        assert not isinstance(rows, list) or pack_bulk_rows(rows, len(rows[0]), "utf8") is not None, statement
