"""The Redis store: what it keeps, in which order, and for whom; on one server, a cluster and Infinispan."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest
import redis.asyncio
from redis.maint_notifications import MaintNotificationsConfig

from flowrt.core.definition import Subscription
from flowrt.core.records import BrokenRecord, Stored
from flowrt.stores.protocol import Batch, BrokenEntry, Query
from flowrt.stores.redis import RedisSettings, RedisStore
from flowrt.stores.redis.connection import connect
from flowrt.stores.redis.names import Names
from tests.stores.checkpoints import checkpoint, entry, record

_applications = itertools.count()
_SERVERS = [
    "redis_server",
    "redis_cluster_server",
    "infinispan_server",
]


@pytest.fixture(params=_SERVERS)
def url(request: pytest.FixtureRequest) -> str:
    server: Any = request.getfixturevalue(request.param)
    options = {"redis_cluster_server": "?cluster=true", "infinispan_server": "&timeout=20000"}
    return f"{server.url}{options.get(request.param, '')}"


@pytest.fixture
async def store(url: str) -> AsyncIterator[RedisStore]:
    opened = RedisStore.from_url(url, f"test {{{next(_applications)}}}")
    await opened.open()
    yield opened
    await opened.close()


async def test_strange_texts_are_kept_in_ids_positions_tags_and_values(store: RedisStore) -> None:
    token = await store.acquire("ö\x00", 30) or 0
    ids = ["x" * 255, "\U0001f600" * 255, "nul\x00", "nul", "nul\x00\x00", "\x01", "ü", "~", "~7e", "\x7f", " ", "a:b}"]
    batch = Batch(
        [
            checkpoint(
                entry(id_, tags={id_: id_}),
                fields={"input": {id_: "\x00ü" + id_}},
                live={(f"/do/{id_}", 0): ({"sequence": 1, "is": id_}, {})},
                history=[(id_, record(id_))],
                subscriptions=[Subscription(id_, None, id_)],
                outbox=[{"source": id_, "id": id_, "ü": "\x00"}],
            )
            for id_ in ids
        ],
        seen=[(id_, id_, 10.0) for id_ in ids],
    )
    await store.commit(batch, token)
    loaded = await store.load(ids)
    assert {id_: stored.fields for id_, stored in loaded.items() if isinstance(stored, Stored)} == {
        id_: {"input": {id_: "\x00ü" + id_}} for id_ in ids
    }
    for id_ in ids:
        stored = loaded[id_]
        assert isinstance(stored, Stored)
        assert stored.live == [((f"/do/{id_}", 0), {"sequence": 1, "is": id_}, {})]
        assert await store.history(id_) == [record(id_)]
        assert [found.id for found in (await store.find(Query(tag=(id_, id_)))).items] == [id_]
    pages, after = [], None
    while page := await store.unfinished(after, 1):
        after = page[0][0].id
        assert page[0][1] == [Subscription(after, None, after)]
        pages.append(after)
    assert sorted(pages) == sorted(ids)  # Infinispan has an order of its own for what is not ASCII
    assert await store.outbox() == [{"source": id_, "id": id_, "ü": "\x00"} for id_ in ids]
    assert await store.seen([(id_, id_) for id_ in [*ids, "none"]]) == {(id_, id_) for id_ in ids}
    assert await store.delete(ids) == len(ids)
    assert (await store.find(Query())).items == []


async def test_big_values_and_many_fields(store: RedisStore) -> None:
    token = await store.acquire("one", 30) or 0
    live: dict[Any, Any] = {("/do/x", n): ({"sequence": n}, {}) for n in range(5000)}
    big = checkpoint(
        "a", fields={"input": "ü" * 1_000_000}, live=live, history=[("/l", record("r", n)) for n in range(3000)]
    )
    await store.commit(Batch([big]), token)
    loaded = (await store.load(["a"]))["a"]
    assert isinstance(loaded, Stored)
    assert len(loaded.fields["input"]) == 1_000_000
    assert len(loaded.live) == 5000
    assert [done["iteration"] for done in await store.history("a")] == list(range(3000))
    await store.commit(Batch([checkpoint("a", 2, live=dict.fromkeys(live), pruned={"/l": 2999})]), token)
    loaded = (await store.load(["a"]))["a"]
    assert isinstance(loaded, Stored)
    assert loaded.live == []
    assert len(await store.history("a")) == 1


async def test_large_values_leave_nothing_behind_when_they_become_small(store: RedisStore) -> None:
    token = await store.acquire("one", 30) or 0
    big, key = "x" * 4_300_000, ("/do/0/x", 0)
    emitted = [{"source": "/s", "id": "1", "data": big}, {"source": "/s", "id": "2"}]
    large = checkpoint("a", fields={"input": big, "context": 0}, live={key: ({"in": 1}, big)}, outbox=emitted)
    await store.commit(Batch([large]), token)
    loaded = (await store.load(["a"]))["a"]
    assert isinstance(loaded, Stored)
    assert (loaded.fields, loaded.live) == ({"input": big, "context": 0}, [(key, {"in": 1}, big)])
    assert await store.outbox() == emitted
    small = checkpoint("a", 2, fields={"input": big[:-1], "context": 1}, live={key: None})
    await store.commit(Batch([small], sent=[("/s", "1")]), token)
    loaded = (await store.load(["a"]))["a"]
    assert isinstance(loaded, Stored)
    assert (loaded.fields, loaded.live) == ({"input": big[:-1], "context": 1}, [])
    await store.commit(Batch([checkpoint("a", 3, fields={"input": 0})], sent=[("/s", "2")]), token)
    assert await size_of(store, b"instance:a") < 2000
    assert await size_of(store, b"outbox") < 100


async def size_of(store: RedisStore, name: bytes) -> int:
    """How many bytes one of the hashes has."""
    names = Names(store.application)
    client: Any = await connect(store.settings, names.lease)
    fields = await client.hgetall(names.lease.removesuffix(b"lease") + name)
    await client.aclose()
    return sum(len(field) + len(value) for field, value in fields.items())


async def test_applications_are_apart(store: RedisStore, url: str) -> None:
    token = await store.acquire("one", 30) or 0
    await store.commit(Batch([checkpoint("a")]), token)
    other = RedisStore.from_url(url, f"other {next(_applications)}")
    await other.open()
    assert await other.load(["a"]) == {}
    assert await other.unfinished() == []
    await other.close()


@pytest.mark.parametrize("damaged", ["entry", "head", "f:input", "l:0:/do", "m:0:/do", "listens"])
async def test_a_damaged_value_breaks_its_own_instance_only(redis_server: Any, damaged: str) -> None:
    application = f"damaged{next(_applications)}"
    store = RedisStore.from_url(redis_server.url, application)
    await store.open()
    token = await store.acquire("one", 30) or 0
    whole: dict[str, Any] = {
        "fields": {"input": 1},
        "live": {("/do", 0): ({"sequence": 1}, {})},
        "history": [("", record("x"))],
    }
    await store.commit(Batch([checkpoint("a", **whole), checkpoint("b", **whole)]), token)
    plain: Any = redis.asyncio.Redis.from_url(
        redis_server.url, maint_notifications_config=MaintNotificationsConfig(enabled=False)
    )
    await plain.hset(f"flowrt:{{{application}}}:instance:a", damaged, b"{torn")
    await plain.zadd(f"flowrt:{{{application}}}:history:a", {b"-:0:1:{torn": 0})
    loaded = await store.load(["a", "b"])
    assert isinstance(loaded["a"], BrokenEntry)
    assert isinstance(loaded["b"], Stored)
    assert [found.id for found, _ in await store.unfinished()] == ["a", "b"]
    with pytest.raises(BrokenRecord, match="history of a"):
        await store.history("a")
    await plain.delete(f"flowrt:{{{application}}}:instance:a")
    await plain.set(f"flowrt:{{{application}}}:instance:a", "something else")
    assert isinstance((await store.load(["a", "b"]))["a"], BrokenEntry)
    assert [found.id for found in (await store.find(Query())).items] == ["b"]
    await plain.aclose()
    await store.close()


@pytest.mark.parametrize("compression", ["gzip", "bzip2", "deflate"])
async def test_values_written_before_a_change_of_compression_stay_readable(url: str, compression: str) -> None:
    application = f"compressed{next(_applications)}"
    before = RedisStore.from_url(url, application)
    await before.open()
    token = await before.acquire("one", 30) or 0
    await before.commit(Batch([checkpoint("a", fields={"input": "ü" * 5000})]), token)
    settings = RedisSettings.from_url(f"{url}{'&' if '?' in url else '?'}compression={compression}")
    after = RedisStore(settings, application)
    await after.open()
    history = [("", record("x", output="y" * 5000))]
    await after.commit(Batch([checkpoint("a", 2, fields={"context": "z" * 5000}, history=history)]), token)
    loaded = (await before.load(["a"]))["a"]
    assert isinstance(loaded, Stored)
    assert loaded.fields == {"input": "ü" * 5000, "context": "z" * 5000}
    assert await before.history("a") == [history[0][1]]
    await before.close()
    await after.close()
