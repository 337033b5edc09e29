"""The Redis store: what it keeps, in which order, and for whom; on one server, a cluster and Infinispan."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest
import redis.asyncio
from redis.maint_notifications import MaintNotificationsConfig

from flowrt.core.definition import Subscription
from flowrt.core.records import BrokenRecord, Stored
from flowrt.stores.protocol import Batch, BrokenEntry, Definition, Query, StaleOwner
from flowrt.stores.redis import RedisSettings, RedisStore
from tests.stores.checkpoints import checkpoint, entry, record

_applications = itertools.count()
_SERVERS = [
    "redis_server",
    "redis_cluster_server",
    pytest.param("infinispan_server", marks=pytest.mark.heavy),
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


async def test_what_was_committed_is_read_again(store: RedisStore) -> None:
    token = await store.acquire("one", 30) or 0
    first = checkpoint(
        "a",
        fields={"input": {"n": 1}},
        live={("/do", 0): ({"sequence": 1}, {"attempt": 0}), ("/do/0/x:y", 3): ({"sequence": 2}, {"attempt": 1})},
        history=[("", record("/do/0/y"))],
        subscriptions=[Subscription("paid", ".data.id", 7)],
    )
    await store.commit(Batch([first]), token)
    second = checkpoint(
        "a", 2, fields={"context": {"c": 1}}, live={("/do", 0): (None, {"attempt": 5}), ("/do/0/x:y", 3): None}
    )
    await store.commit(Batch([second]), token)
    assert await store.load(["a", "b"]) == {
        "a": Stored(
            {"format": 1, "id": "a", "revision": 2},
            {"input": {"n": 1}, "context": {"c": 1}},
            [(("/do", 0), {"sequence": 1}, {"attempt": 5})],
        )
    }
    assert await store.history("a") == [record("/do/0/y")]
    assert await store.unfinished() == [(entry("a"), [Subscription("paid", ".data.id", 7)])]
    await store.commit(Batch([checkpoint(entry("a", "completed"), 3)]), token)
    assert await store.unfinished() == []


async def test_history_is_in_order_of_completion_across_loops_and_commits(store: RedisStore) -> None:
    token = await store.acquire("one", 30) or 0
    first = [("/do/1/z", record("r0", 0)), ("", record("outer")), ("/do/1/z", record("r1", 1)), ("/a", record("q", 4))]
    second = [("/a", record("q2", 0)), ("/do/1/z", record("r1b", 1)), ("", record("end"))]
    await store.commit(Batch([checkpoint("a", history=first)]), token)
    await store.commit(Batch([checkpoint("a", 2, history=second)]), token)
    assert await store.history("a") == [completed for _, completed in first + second]


async def test_pruning_removes_earlier_rounds_of_that_loop_only(store: RedisStore) -> None:
    token = await store.acquire("one", 30) or 0
    rounds = [("/do/1/z", record(f"r{n}", n)) for n in range(300)]
    others = [("/do/1/zz", record("other", 0)), ("", record("plain"))]
    await store.commit(Batch([checkpoint("a", history=rounds + others)]), token)
    await store.commit(Batch([checkpoint("a", 2, pruned={"/do/1/z": 298}, history=rounds[-1:])]), token)
    left = [rounds[298][1], rounds[299][1], others[0][1], others[1][1], rounds[299][1]]
    assert await store.history("a") == left


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


async def test_a_repeated_batch_has_no_second_effect(store: RedisStore) -> None:
    token = await store.acquire("one", 30) or 0
    event = {"source": "/s", "id": "1"}
    batch = Batch([checkpoint("a", history=[("", record("x"))], outbox=[event])])
    await store.commit(batch, token)
    await store.commit(Batch(sent=[("/s", "1")]), token)
    await store.commit(batch, token)
    assert len(await store.history("a")) == 1
    assert await store.outbox() == []


async def test_stale_revisions_and_tokens_write_nothing(store: RedisStore) -> None:
    old = await store.acquire("one", 30) or 0
    await store.commit(Batch([checkpoint("a")]), old)
    with pytest.raises(StaleOwner) as refused:
        await store.commit(Batch([checkpoint("new"), checkpoint("a", 3)]), old)
    assert refused.value.instances == ("a",)
    assert await store.load(["new"]) == {}
    new = await store.acquire("one", 30) or 0
    assert new > old
    with pytest.raises(StaleOwner) as refused:
        await store.commit(Batch([checkpoint("a", 2)]), old)
    assert refused.value.instances == ()
    await store.commit(Batch([checkpoint("a", 2)]), new)


async def test_the_lease_expires_by_the_servers_clock(store: RedisStore) -> None:
    first = await store.acquire("one", 0.3) or 0
    assert await store.acquire("two", 30) is None
    assert await store.renew(first, 0.3)
    second = None
    async with asyncio.timeout(5):
        while second is None:
            second = await store.acquire("two", 30)
    assert second == first + 1
    assert not await store.renew(first, 30)
    await store.release(first)
    assert await store.acquire("three", 30) is None
    await store.release(second)
    assert await store.acquire("three", 30) == second + 1


async def test_indexes_follow_the_entry(store: RedisStore) -> None:
    token = await store.acquire("one", 30) or 0
    running = [entry(f"i{n}", started_at=float(n // 2), tags={"k": str(n % 2)}) for n in range(450)]
    await store.commit(Batch([checkpoint(found) for found in running]), token)
    ended = entry("i7", "completed", 3.0, ended_at=50.0, tags={"k": "new"})
    await store.commit(Batch([checkpoint(ended, 2)]), token)
    assert (await store.find(Query(status="completed"))).items == [ended]
    assert (await store.find(Query(tag=("k", "new")))).items == [ended]
    odd, cursor = [], None
    while True:
        page = await store.find(Query(tag=("k", "1"), status="running", cursor=cursor, limit=50))
        odd += page.items
        cursor = page.next
        if cursor is None:
            break
    expected = sorted((running[n] for n in range(1, 450, 2) if n != 7), key=lambda e: (e.started_at, e.id))
    assert odd == expected[::-1]
    assert [found.id for found in (await store.find(Query(since=224.0))).items] == ["i449", "i448"]
    assert (await store.find(Query(name="order", namespace="other"))).items == []
    assert len((await store.find(Query(name="order", namespace="shop", limit=1000))).items) == 450
    assert await store.expired("completed", 50.0, 10) == []
    assert await store.expired("completed", 50.5, 10) == ["i7"]
    assert len(await store.unfinished(limit=1000)) == 449
    assert await store.delete([found.id for found in running] + ["none"]) == 450
    assert (await store.info())["instances"] == 0


async def test_inbox_and_outbox(store: RedisStore) -> None:
    token = await store.acquire("one", 30) or 0
    events = [{"source": "/s", "id": str(n), "n": n} for n in (3, 1, 2)]
    await store.commit(Batch([checkpoint("a", outbox=events)], seen=[("/s", "1", 10.0), ("/s", "2", 20.0)]), token)
    assert await store.outbox() == events
    await store.commit(Batch(sent=[("/s", "1")], seen=[("/s", "1", 30.0)]), token)
    assert await store.outbox() == [events[0], events[2]]
    assert await store.seen([("/s", "1"), ("/s", "9")]) == {("/s", "1")}
    await store.forget_seen(25.0)
    assert await store.seen([("/s", "1"), ("/s", "2")]) == {("/s", "1")}


async def test_definitions(store: RedisStore) -> None:
    definition = Definition("d1", "shop", "order", "1.0.0", "do: []", False)
    await store.put_definition(definition)
    await store.put_definition(Definition("d1", "x", "x", "x", "x", True))
    assert await store.definition("d1") == Definition("d1", "shop", "order", "1.0.0", "do: []", True)
    assert await store.deployed() == [await store.definition("d1")]
    assert await store.definition("none") is None


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
