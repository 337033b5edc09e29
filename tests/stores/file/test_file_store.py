"""The file store: what it keeps, in which order, and for whom."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import lmdb
import pytest

from flowrt.core.records import BrokenRecord, Stored
from flowrt.stores.file import FileStore
from flowrt.stores.protocol import Batch, BrokenEntry, Query, StoreRefused, StoreUnavailable
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
