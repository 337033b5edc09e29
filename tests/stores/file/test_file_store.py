"""The file store: what it keeps, in which order, and for whom."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import lmdb
import pytest

from flowrt.core.definition import Subscription
from flowrt.core.records import BrokenRecord, Stored
from flowrt.stores.file import FileStore
from flowrt.stores.protocol import Batch, BrokenEntry, Definition, Query, StaleOwner, StoreRefused, StoreUnavailable
from tests.stores.checkpoints import checkpoint, entry, record


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[FileStore]:
    opened = FileStore(tmp_path)
    await opened.open()
    yield opened
    await opened.close()


async def reopened(store: FileStore, folder: Path, **options: int) -> FileStore:
    await store.close()
    again = FileStore(folder, **options)
    await again.open()
    return again


async def test_what_was_committed_is_read_after_reopening(store: FileStore, tmp_path: Path) -> None:
    token = await store.acquire("one", 30) or 0
    first = checkpoint(
        "a",
        fields={"input": {"n": 1}},
        live={("/do", 0): ({"sequence": 1}, {"attempt": 0}), ("/do/0/x", 3): ({"sequence": 2}, {"attempt": 1})},
        history=[("", record("/do/0/y"))],
        subscriptions=[Subscription("paid", ".data.id", 7)],
    )
    await store.commit(Batch([first]), token)
    second = checkpoint(
        "a", 2, fields={"context": {"c": 1}}, live={("/do", 0): (None, {"attempt": 5}), ("/do/0/x", 3): None}
    )
    await store.commit(Batch([second]), token)
    again = await reopened(store, tmp_path)
    assert await again.load(["a", "b"]) == {
        "a": Stored(
            {"format": 1, "id": "a", "revision": 2},
            {"input": {"n": 1}, "context": {"c": 1}},
            [(("/do", 0), {"sequence": 1}, {"attempt": 5})],
        )
    }
    assert await again.history("a") == [record("/do/0/y")]
    assert await again.unfinished() == [(entry("a"), [Subscription("paid", ".data.id", 7)])]
    await again.close()


async def test_history_is_in_order_of_completion_across_loops_and_commits(store: FileStore) -> None:
    token = await store.acquire("one", 30) or 0
    first = [("/do/1/z", record("r0", 0)), ("", record("outer")), ("/do/1/z", record("r1", 1)), ("/a", record("q", 4))]
    second = [("/a", record("q2", 0)), ("/do/1/z", record("r1b", 1)), ("", record("end"))]
    await store.commit(Batch([checkpoint("a", history=first)]), token)
    await store.commit(Batch([checkpoint("a", 2, history=second)]), token)
    assert await store.history("a") == [completed for _, completed in first + second]


async def test_pruning_removes_earlier_rounds_of_that_loop_only(store: FileStore) -> None:
    token = await store.acquire("one", 30) or 0
    rounds = [("/do/1/z", record(f"r{n}", n)) for n in range(300)]
    others = [("/do/1/zz", record("other", 0)), ("", record("plain"))]
    await store.commit(Batch([checkpoint("a", history=rounds + others)]), token)
    await store.commit(Batch([checkpoint("a", 2, pruned={"/do/1/z": 298}, history=rounds[-1:])]), token)
    left = [rounds[298][1], rounds[299][1], others[0][1], others[1][1], rounds[299][1]]
    assert await store.history("a") == left


async def test_bytes_stored_by_a_loop_do_not_grow_with_its_rounds(store: FileStore) -> None:
    token = await store.acquire("one", 30) or 0
    sizes = {}
    for n in range(1, 2001):
        done = checkpoint("a", n, pruned={"/do/1/z": n - 1}, history=[("/do/1/z", record("r", n, "x" * 100))])
        await store.commit(Batch([done]), token)
        sizes[n] = (await store.info())["size"]
    assert sizes[2000] <= 2 * sizes[10]


async def test_long_and_strange_ids_are_kept_apart(store: FileStore) -> None:
    token = await store.acquire("one", 30) or 0
    ids = ["x" * 255, "\U0001f600" * 254 + "a", "\U0001f600" * 254 + "b", "nul\x00", "nul", "nul\x00\x00", "ü", " "]
    await store.commit(Batch([checkpoint(id_, history=[("", record(id_))]) for id_ in ids]), token)
    assert {id_: (await store.history(id_))[0]["position"] for id_ in ids} == {id_: id_ for id_ in ids}
    assert sorted(found.id for found, _ in await store.unfinished()) == sorted(ids)
    pages, after = [], None
    while page := await store.unfinished(after, 1):
        after = page[0][0].id
        pages.append(after)
    assert sorted(pages) == sorted(ids)


async def test_long_positions_are_kept_apart(store: FileStore) -> None:
    token = await store.acquire("one", 30) or 0
    live = {("/do/" + "p" * 2000 + end, 0): ({"sequence": 1, "end": end}, {}) for end in "ab"}
    await store.commit(Batch([checkpoint("a", live=live)]), token)
    loaded = (await store.load(["a"]))["a"]
    assert isinstance(loaded, Stored)
    assert {key: fixed["end"] for key, fixed, _ in loaded.live} == {key: key[0][-1] for key in live}


async def test_a_repeated_batch_has_no_second_effect(store: FileStore) -> None:
    token = await store.acquire("one", 30) or 0
    batch = Batch([checkpoint("a", history=[("", record("x"))])])
    await store.commit(batch, token)
    await store.commit(batch, token)
    assert len(await store.history("a")) == 1


async def test_stale_revisions_and_tokens_write_nothing(store: FileStore) -> None:
    old = await store.acquire("one", 30) or 0
    await store.commit(Batch([checkpoint("a")]), old)
    with pytest.raises(StaleOwner) as refused:
        await store.commit(Batch([checkpoint("new"), checkpoint("a", 3)]), old)
    assert refused.value.instances == ("a",)
    assert await store.load(["new"]) == {}
    new = await store.acquire("one", 30) or 0
    assert new > old
    with pytest.raises(StaleOwner):
        await store.commit(Batch([checkpoint("a", 2)]), old)
    await store.commit(Batch([checkpoint("a", 2)]), new)


async def test_the_lease_of_a_process_that_is_gone_counts_for_nothing(store: FileStore, tmp_path: Path) -> None:
    first = await store.acquire("one", 3600) or 0
    assert await store.acquire("two", 3600) is None
    assert await store.renew(first, 3600)
    again = await reopened(store, tmp_path)
    assert await again.acquire("two", 3600) == first + 1
    assert not await again.renew(first, 3600)
    await again.release(first + 1)
    assert await again.acquire("three", 3600) == first + 2
    await again.close()


async def test_indexes_follow_the_entry(store: FileStore) -> None:
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
    assert await store.expired("completed", 50.0, 10) == []
    assert await store.expired("completed", 50.5, 10) == ["i7"]
    assert len(await store.unfinished(limit=1000)) == 449


async def test_deleting_leaves_nothing(store: FileStore) -> None:
    token = await store.acquire("one", 30) or 0
    both = [checkpoint(id_, history=[("/l", record("x", n)) for n in range(50)]) for id_ in ("a", "b")]
    await store.commit(Batch(both), token)
    assert await store.delete(["a", "zz"]) == 1
    assert await store.load(["a"]) == {}
    assert await store.history("a") == []
    assert len(await store.history("b")) == 50
    assert [found.id for found in (await store.find(Query())).items] == ["b"]
    await store.commit(Batch([checkpoint("a")]), token)
    assert await store.history("a") == []


async def test_inbox_and_outbox(store: FileStore) -> None:
    token = await store.acquire("one", 30) or 0
    events = [{"source": "/s", "id": str(n), "n": n} for n in (3, 1, 2)]
    await store.commit(Batch([checkpoint("a", outbox=events)], seen=[("/s", "1", 10.0), ("/s", "2", 20.0)]), token)
    assert await store.outbox() == events
    await store.commit(Batch(sent=[("/s", "1")], seen=[("/s", "1", 30.0)]), token)
    assert await store.outbox() == [events[0], events[2]]
    assert await store.seen([("/s", "1"), ("/s", "9")]) == {("/s", "1")}
    await store.forget_seen(25.0)
    assert await store.seen([("/s", "1"), ("/s", "2")]) == {("/s", "1")}


async def test_definitions(store: FileStore) -> None:
    definition = Definition("d1", "shop", "order", "1.0.0", "do: []", False)
    await store.put_definition(definition)
    await store.put_definition(Definition("d1", "x", "x", "x", "x", True))
    assert await store.definition("d1") == Definition("d1", "shop", "order", "1.0.0", "do: []", True)
    assert await store.deployed() == [await store.definition("d1")]
    assert await store.definition("none") is None


async def test_the_map_grows(store: FileStore, tmp_path: Path) -> None:
    small = await reopened(store, tmp_path, map_size=1 << 18)
    token = await small.acquire("one", 30) or 0
    for revision in range(1, 9):
        await small.commit(Batch([checkpoint("a", revision, fields={"output": "x" * (revision << 18)})]), token)
    loaded = (await small.load(["a"]))["a"]
    assert isinstance(loaded, Stored)
    assert len(loaded.fields["output"]) == 8 << 18
    await small.close()


async def test_the_loop_goes_on_while_the_disk_is_waited_for(store: FileStore) -> None:
    token = await store.acquire("one", 30) or 0
    commits = [asyncio.ensure_future(store.commit(Batch([checkpoint(f"i{n}")]), token)) for n in range(20)]
    turns = 0
    while not all(commit.done() for commit in commits):
        turns += 1
        await asyncio.sleep(0)
    assert turns > 20
    assert len(await store.unfinished()) == 20


async def test_a_second_server_is_refused_and_readers_are_not(store: FileStore, tmp_path: Path) -> None:
    token = await store.acquire("one", 30) or 0
    await store.commit(Batch([checkpoint("a")]), token)
    with pytest.raises(StoreRefused, match=r"default\.lmdb is served by another process \(pid \d+\)"):
        await FileStore(tmp_path).open()
    reader = FileStore(tmp_path, readonly=True)
    # LMDB allows one environment per process and file, so the reader of this test is one after the other.
    await store.close()
    await reader.open()
    assert list(await reader.load(["a"])) == ["a"]
    with pytest.raises(StoreUnavailable, match="for reading only"):
        await reader.commit(Batch([checkpoint("b")]), token)
    await reader.close()


async def test_applications_are_apart(store: FileStore, tmp_path: Path) -> None:
    token = await store.acquire("one", 30) or 0
    await store.commit(Batch([checkpoint("a")]), token)
    other = FileStore(tmp_path, "an other/one")
    await other.open()
    assert await other.load(["a"]) == {}
    await other.close()


def damage(folder: Path, database: bytes, kind: bytes, value: bytes) -> None:
    """Overwrites the first value whose key has that kind after the serial."""
    with lmdb.open(str(folder / "default.lmdb"), subdir=False, max_dbs=16) as env:
        named = env.open_db(database)
        with env.begin(write=True) as transaction:
            key = next(key for key, _ in transaction.cursor(named) if key[8:9] == kind or database != b"records")
            transaction.put(key, value, db=named)


@pytest.mark.parametrize("kind", [b"\x00", b"f", b"l"])
async def test_a_damaged_value_breaks_its_own_instance_only(store: FileStore, tmp_path: Path, kind: bytes) -> None:
    token = await store.acquire("one", 30) or 0
    whole = {"fields": {"input": 1}, "live": {("/do", 0): ({"sequence": 1}, {})}}
    await store.commit(Batch([checkpoint("a", **whole), checkpoint("b", **whole)]), token)
    await store.close()
    damage(tmp_path, b"records", kind, b"{torn")
    again = FileStore(tmp_path)
    await again.open()
    loaded = await again.load(["a", "b"])
    assert isinstance(loaded["a"], BrokenEntry)
    assert "damaged" in loaded["a"].reason
    assert isinstance(loaded["b"], Stored)
    assert [found.id for found, _ in await again.unfinished()] == ["a", "b"]
    assert [found.id for found in (await again.find(Query())).items] == ["b", "a"]
    assert await again.delete(["a"]) == 1
    assert [found.id for found in (await again.find(Query())).items] == ["b"]
    await again.close()


async def test_damage_among_the_unfinished_and_in_the_history_is_told(store: FileStore, tmp_path: Path) -> None:
    token = await store.acquire("one", 30) or 0
    await store.commit(Batch([checkpoint("a", history=[("", record("x"))]), checkpoint("b")]), token)
    await store.close()
    damage(tmp_path, b"unfinished", b"", b"{torn")
    damage(tmp_path, b"records", b"h", b"{torn")
    again = FileStore(tmp_path)
    await again.open()
    assert [found for found, _ in await again.unfinished()] == [entry("a"), entry("b")]
    assert isinstance((await again.load(["a"]))["a"], BrokenEntry)
    with pytest.raises(BrokenRecord, match="history of a"):
        await again.history("a")
    await again.close()


async def test_a_later_format_is_refused(store: FileStore, tmp_path: Path) -> None:
    await store.close()
    with lmdb.open(str(tmp_path / "default.lmdb"), subdir=False, max_dbs=16) as env:
        meta = env.open_db(b"meta")
        with env.begin(write=True) as transaction:
            transaction.put(b"format", b"2", db=meta)
    with pytest.raises(StoreRefused, match=r"has format 2, this version reads format 1"):
        await FileStore(tmp_path).open()


async def test_what_is_no_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "default.lmdb").write_bytes(b"something else" * 1000)
    with pytest.raises(StoreRefused, match=r"default\.lmdb cannot be opened"):
        await FileStore(tmp_path).open()
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreRefused, match="cannot be used"):
        await FileStore(tmp_path / "file").open()
    with pytest.raises(StoreRefused, match="nothing to read"):
        await FileStore(tmp_path / "none", readonly=True).open()
