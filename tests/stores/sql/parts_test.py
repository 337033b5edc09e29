"""Values longer than a MySQL statement: kept in parts, and nothing of them stays behind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from flowrt.stores.protocol import Batch
from flowrt.stores.sql import SqlStore
from flowrt.testing.contract.records import checkpoint, event, record
from tests.servers import Server
from tests.stores.sql.contract import execute

# Quotes and backslashes double in a statement.
_LONG = '"\\' * 3_000_000
_KEY = ("/do/0/x", 0)


@pytest.fixture
async def store(mariadb_server: Server) -> AsyncIterator[SqlStore]:
    store = SqlStore.from_url(f"{mariadb_server.url}?migrateAtStart=true", "parts")
    await store.open()
    yield store
    await store.delete(["i1", "i2"])
    await store.close()


async def kept(store: SqlStore) -> int:
    """How many long values the database holds."""
    [(count,)] = await execute(store, "SELECT count(DISTINCT id) FROM value_part_entity WHERE application_id = 'parts'")
    return int(str(count))


async def test_what_is_replaced_or_removed_leaves_nothing(store: SqlStore) -> None:
    token = await store.acquire("h", 600)
    assert token is not None
    live = {_KEY: ({"sequence": 1, "input": _LONG}, {"attempt": 0, "memory": _LONG})}
    first = checkpoint("i1", fields={"input": _LONG}, live=live, history=[("", record("/do/1/y", output=_LONG))])
    await store.commit(Batch([first, checkpoint("i2", fields={"context": _LONG})]), token)
    assert await kept(store) == 5
    moved = {_KEY: (None, {"attempt": 1, "memory": _LONG + "!"})}
    await store.commit(Batch([checkpoint("i1", 2, fields={"input": _LONG + "?"}, live=moved)]), token)
    found: Any = (await store.load(["i1"]))["i1"]
    assert found.fields["input"] == _LONG + "?"
    assert found.live == [(_KEY, {"sequence": 1, "input": _LONG}, {"attempt": 1, "memory": _LONG + "!"})]
    assert await kept(store) == 5
    again = [("", record("/do/1/y", 0, 1, _LONG))]
    await store.commit(Batch([checkpoint("i1", 3, live={_KEY: None}, history=again)]), token)
    assert [each["output"] for each in await store.history("i1")] == [_LONG, _LONG]
    assert await kept(store) == 4
    await store.delete(["i1"])
    assert await kept(store) == 1


async def test_long_events_go_when_they_are_sent(store: SqlStore) -> None:
    token = await store.acquire("h", 600)
    assert token is not None
    emitted = [event("1", data=_LONG), event("2", data=_LONG)]
    await store.commit(Batch([checkpoint("i1", outbox=emitted)]), token)
    assert await store.outbox() == emitted
    await store.commit(Batch(sent=[("/till", "1")]), token)
    assert await store.outbox() == emitted[1:]
    assert await kept(store) == 1
    await store.commit(Batch(sent=[("/till", "2")]), token)
    assert await kept(store) == 0
