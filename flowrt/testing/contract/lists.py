"""What finds instances, and that it never disagrees with what a commit, or a deletion, has changed."""

from __future__ import annotations

from typing import Any

import pytest

from flowrt.core.definition import Subscription
from flowrt.stores.protocol import Batch, Entry, Query, Store
from flowrt.testing.contract.commits import nothing_of, token_of
from flowrt.testing.contract.records import checkpoint, entry, full, record


async def found(store: Store, **query: Any) -> list[str]:
    """Ids of the first page."""
    return [each.id for each in (await store.find(Query(**query))).items]


async def paged(store: Store, limit: int, **query: Any) -> list[str]:
    """Ids of all pages."""
    ids: list[str] = []
    cursor: str | None = None
    while True:
        page = await store.find(Query(limit=limit, cursor=cursor, **query))
        ids += [each.id for each in page.items]
        if page.next is None:
            return ids
        assert len(page.items) == limit
        cursor = page.next


def instances(count: int, first: int = 0) -> list[Entry]:
    """Many, of which always ten began at one time."""
    return [entry(f"i{n:05}", started_at=1_700_000_000 + n // 10 / 1_000_000) for n in range(first, first + count)]


class ListContract:
    """Lists."""

    async def test_every_filter(self, store: Store) -> None:
        entries = [
            entry("a", "running", 1.0, namespace="x", name="n", version="1.0.0", tags={"k": "v"}),
            entry("b", "faulted", 2.0, namespace="x", name="n", version="2.0.0", tags={"k": "w", "j": "v"}),
            entry("c", "waiting", 3.0, namespace="y", name="m", tags={"k": "v"}),
            entry("d", "running", 4.0, role="schedule"),
        ]
        await store.commit(Batch([checkpoint(each) for each in entries]), await token_of(store))
        assert (await store.find(Query(role=None))).items == entries[::-1]
        for query, expected in (
            ({}, "cba"),
            ({"status": "faulted"}, "b"),
            ({"status": "completed"}, ""),
            ({"namespace": "x"}, "ba"),
            ({"name": "m"}, "c"),
            ({"version": "2.0.0"}, "b"),
            ({"tag": ("k", "v")}, "ca"),
            ({"tag": ("j", "v")}, "b"),
            ({"tag": ("v", "k")}, ""),
            ({"since": 2.0}, "cb"),
            ({"since": 2.000001}, "c"),
            ({"role": "schedule"}, "d"),
            ({"tag": ("k", "v"), "status": "running", "since": 0.5, "name": "n", "namespace": "x"}, "a"),
        ):
            assert await found(store, **query) == list(expected), query

    async def test_the_lists_follow_every_change(self, store: Store) -> None:
        token = await token_of(store)
        first = full("i1")
        await store.commit(Batch([first]), token)
        assert await found(store, status="waiting", tag=("colour", "blue")) == ["i1"]
        moved = entry("i1", "running", first.entry.started_at, tags={"colour": "red", "size": "s"})
        await store.commit(Batch([checkpoint(moved, 2, subscriptions=[Subscription("shipped")])]), token)
        assert await found(store, status="waiting") == await found(store, tag=("colour", "blue")) == []
        assert await found(store, status="running", tag=("colour", "red")) == ["i1"]
        assert await store.unfinished() == [(moved, [Subscription("shipped")])]
        ended = entry("i1", "completed", first.entry.started_at, ended_at=5.0)
        await store.commit(Batch([checkpoint(ended, 3, subscriptions=[])]), token)
        assert await store.unfinished() == []
        assert await found(store, tag=("size", "s")) == await found(store, status="running") == []
        assert (await store.find(Query(status="completed"))).items == [ended]
        assert await store.expired("completed", 5.5, 10) == ["i1"]
        again = entry("i1", "running", first.entry.started_at)
        await store.commit(Batch([checkpoint(again, 4)]), token)
        assert await store.expired("completed", 5.5, 10) == []
        assert [each.id for each, _ in await store.unfinished()] == ["i1"]

    async def test_deep_pages(self, store: Store) -> None:
        token = await token_of(store)
        entries = instances(3000)
        for start in range(0, 3000, 500):
            await store.commit(Batch([checkpoint(each) for each in entries[start : start + 500]]), token)
        assert await paged(store, 97) == [each.id for each in entries[::-1]]
        assert await paged(store, 1000, since=entries[1500].started_at) == [each.id for each in entries[:1499:-1]]

    async def test_a_cursor_is_stable_under_inserts_and_deletions(self, store: Store) -> None:
        token = await token_of(store)
        entries = [entry(f"i{n:03}", started_at=1000.0, tags={"t": "x"}) for n in range(0, 100, 2)]
        await store.commit(Batch([checkpoint(each) for each in entries]), token)
        queries: list[dict[str, Any]] = [{}, {"tag": ("t", "x")}]
        for query in queries:
            page = await store.find(Query(limit=20, **query))
            seen = [each.id for each in page.items]
            newer = [entry(f"new{query}", started_at=2000.0), entry(f"i099{query}", started_at=1000.0)]
            await store.commit(Batch([checkpoint(each) for each in newer]), token)
            assert await store.delete([seen[-1], f"new{query}", f"i099{query}"]) == 3
            rest = await store.find(Query(limit=100, cursor=page.next, **query))
            assert [each.id for each in rest.items] == [each.id for each in entries if each.id < seen[-1]][::-1]
            back = checkpoint(entry(seen[-1], started_at=1000.0, tags={"t": "x"}))
            await store.commit(Batch([back]), token)

    async def test_pages_by_tag(self, store: Store) -> None:
        token = await token_of(store)
        entries = instances(300)
        for n, each in enumerate(entries):
            each.tags = {"third": str(n % 3), "all": "yes"}
        await store.commit(Batch([checkpoint(each) for each in entries]), token)
        assert await paged(store, 7, tag=("third", "1")) == [each.id for each in entries[1::3]][::-1]

    async def test_a_full_last_page_ends_the_list(self, store: Store) -> None:
        await store.commit(Batch([checkpoint(each) for each in instances(10)]), await token_of(store))
        assert (await store.find(Query(limit=10))).next is None
        assert (await store.find(Query(limit=9))).next is not None

    async def test_times_are_exact(self, store: Store) -> None:
        token = await token_of(store)
        at = 1_732_187_654.123457
        entries = [entry(f"i{n}", started_at=at + n * 0.000001, wake_at=at + n / 3) for n in range(5)]
        await store.commit(Batch([checkpoint(each) for each in entries]), token)
        assert [each for each, _ in await store.unfinished()] == entries
        assert await paged(store, 1) == ["i4", "i3", "i2", "i1", "i0"]
        far = checkpoint(entry("i0", started_at=at, wake_at=1e15), 2)
        await store.commit(Batch([far]), token)
        assert (await store.unfinished())[0][0] == far.entry

    async def test_unfinished_ones_in_pages(self, store: Store) -> None:
        token = await token_of(store)
        entries = [entry(f"i{n:03}", "completed" if n % 3 == 0 else "running") for n in range(100)]
        await store.commit(Batch([checkpoint(each) for each in entries]), token)
        expected = [each.id for n, each in enumerate(entries) if n % 3]
        ids: list[str] = []
        while page := await store.unfinished(ids[-1] if ids else None, 13):
            ids += [each.id for each, _ in page]
        assert ids == expected

    @pytest.mark.parametrize("status", ["completed", "faulted", "cancelled"])
    async def test_expired_ones(self, store: Store, status: str) -> None:
        token = await token_of(store)
        entries = [entry(f"i{n}", status, ended_at=100.0 + n) for n in range(10)]
        others = [entry("running"), entry("other", "faulted" if status == "completed" else "completed", ended_at=1.0)]
        await store.commit(Batch([checkpoint(each) for each in entries + others]), token)
        assert set(await store.expired(status, 105.0, 100)) == {f"i{n}" for n in range(5)}
        assert len(await store.expired(status, 1000.0, 3)) == 3

    async def test_a_deleted_instance_leaves_nothing(self, store: Store) -> None:
        token = await token_of(store)
        twice = [("", record("/do/0/a")), ("", record("/do/0/a", 0, 1))]
        await store.commit(Batch([full("i1"), full("i2"), checkpoint("i3", history=twice)]), token)
        assert await store.delete(["i1", "i3", "nobody"]) == 2
        assert await store.delete(["i1"]) == 0
        assert await store.delete([]) == 0
        assert await nothing_of(store, "i1", "i3")
        assert await found(store, tag=("colour", "blue")) == ["i2"]
        assert [each.id for each, _ in await store.unfinished()] == ["i2"]
        await store.commit(Batch([checkpoint("i1")]), token)
        assert await store.history("i1") == []
        assert await found(store, tag=("colour", "blue")) == ["i2"]

    async def test_unknown_instances_are_not_there(self, store: Store) -> None:
        assert await store.load(["nobody"]) == await store.load([]) == {}
        page = await store.find(Query())
        assert (list(page.items), page.next) == ([], None)
