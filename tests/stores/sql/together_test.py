"""PostgreSQL takes a commit as one statement: nothing of it is written when anything is not as expected."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import Connection, event

from flowrt.stores.protocol import Batch, Query, StaleOwner
from flowrt.stores.sql import SqlStore
from flowrt.testing.contract.records import checkpoint, entry, record
from tests.servers import Server

_schemas = itertools.count()


@pytest.fixture
async def store(postgres_server: Server) -> AsyncIterator[SqlStore]:
    store = SqlStore.from_url(f"{postgres_server.url}?schema=together_{next(_schemas)}&migrateAtStart=true", "orders")
    await store.open()
    yield store
    await store.close()


async def held(store: SqlStore) -> int:
    token = await store.acquire("h", 600)
    assert token is not None
    return token


class Statements:
    """What SQLAlchemy executes; a commit that is one statement passes it by."""

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
async def test_a_commit_as_expected_is_one_statement(store: SqlStore, tasks: int) -> None:
    token = await held(store)
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


async def test_nothing_is_written_under_a_token_that_is_not_current(store: SqlStore) -> None:
    token = await held(store)
    await store.commit(batch(1, "i1"), token)
    assert await store.acquire("h", 600) is not None
    with pytest.raises(StaleOwner) as refused:
        await store.commit(batch(2, "i1"), token)
    assert not refused.value.instances
    assert len(await store.history("i1")) == 3


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
