"""What a commit promises: all or nothing, fenced, by revision, and once."""

from __future__ import annotations

import asyncio

import pytest

from flowrt.core.records import Stored
from flowrt.stores.protocol import Batch, BrokenEntry, Query, StaleOwner, Store
from flowrt.testing.contract.records import STRANGE, checkpoint, entry, event, full, record


async def token_of(store: Store, holder: str = "one") -> int:
    """The lease, which must be free or the holder's."""
    token = await store.acquire(holder, 30)
    assert token is not None
    return token


async def stored(store: Store, id: str) -> Stored:
    """An instance that must be there and whole."""
    found = (await store.load([id]))[id]
    assert not isinstance(found, BrokenEntry), found.reason
    return found


async def nothing_of(store: Store, *ids: str) -> bool:
    """Whether the store has no trace of these instances."""
    listed = {each.id for each in (await store.find(Query(role=None, limit=1000))).items}
    return (
        not await store.load(ids) and not listed & set(ids) and not [r for id in ids for r in await store.history(id)]
    )


class CommitContract:
    """Commits."""

    async def test_what_is_written_is_read_back(self, store: Store) -> None:
        whole = full("i1")
        await store.commit(Batch([whole]), await token_of(store))
        found = await stored(store, "i1")
        assert found.head == whole.head
        assert dict(found.fields) == whole.fields
        assert {key: (fixed, moving) for key, fixed, moving in found.live} == whole.live
        assert await store.history("i1") == [each for _, each in whole.history]
        [(listed, subscriptions)] = await store.unfinished()
        assert (listed, list(subscriptions)) == (whole.entry, whole.subscriptions)
        assert await store.outbox() == whole.outbox

    async def test_a_batch_with_one_stale_instance_writes_nothing(self, store: Store) -> None:
        token = await token_of(store)
        await store.commit(Batch([checkpoint("old")]), token)
        batch = Batch([full("new"), checkpoint("old", 3)], [("/till", "seen", 9e9)])
        with pytest.raises(StaleOwner) as stale:
            await store.commit(batch, token)
        assert stale.value.instances == ("old",)
        assert await nothing_of(store, "new")
        assert not await store.seen([("/till", "seen")])
        assert not await store.outbox()
        assert (await stored(store, "old")).head["revision"] == 1

    async def test_a_stale_token_writes_nothing(self, store: Store) -> None:
        stale = await token_of(store)
        await store.release(stale)
        current = await token_of(store, "two")
        await store.commit(Batch([checkpoint("i1")]), current)
        batch = Batch([checkpoint("i1", 2, fields={"output": 1}), full("i2")], [("/till", "1", 9e9)])
        for wrong in (stale, current + 1):
            with pytest.raises(StaleOwner):
                await store.commit(batch, wrong)
        assert (await stored(store, "i1")).head["revision"] == 1
        assert await nothing_of(store, "i2")
        assert not await store.seen([("/till", "1")])
        await store.commit(batch, current)
        assert (await stored(store, "i1")).fields == {"output": 1}

    async def test_a_stale_token_marks_no_event_as_sent(self, store: Store) -> None:
        stale = await token_of(store)
        await store.commit(Batch([checkpoint("i1", outbox=[event("e1")])]), stale)
        await token_of(store)
        with pytest.raises(StaleOwner):
            await store.commit(Batch(sent=[("/till", "e1")]), stale)
        assert await store.outbox() == [event("e1")]

    @pytest.mark.parametrize("revision", [1, 2, 4, 5])
    async def test_only_the_next_revision_is_written(self, store: Store, revision: int) -> None:
        token = await token_of(store)
        for each in (1, 2):
            await store.commit(Batch([checkpoint("i1", each)]), token)
        later = await token_of(store)
        with pytest.raises(StaleOwner) as stale:
            await store.commit(Batch([checkpoint("i1", revision)]), later)
        assert stale.value.instances == ("i1",)
        await store.commit(Batch([checkpoint("i1", 3)]), later)
        assert (await stored(store, "i1")).head["revision"] == 3

    async def test_a_new_instance_begins_with_revision_one(self, store: Store) -> None:
        with pytest.raises(StaleOwner):
            await store.commit(Batch([checkpoint("i1", 2)]), await token_of(store))
        assert await nothing_of(store, "i1")

    async def test_the_same_batch_again_has_no_effect(self, store: Store) -> None:
        token = await token_of(store)
        batch = Batch([full("i1"), full("i2")], [("/till", "1", 9e9)])
        await store.commit(batch, token)
        await store.commit(Batch(sent=[("/till", "e1"), ("/till", "e2")]), token)
        await store.commit(batch, token)
        assert len(await store.history("i1")) == 2
        assert not await store.outbox()
        follow = Batch([checkpoint("i1", 2, history=[("", record("/do/3/x"))])])
        for _ in range(3):
            await store.commit(follow, token)
        assert len(await store.history("i1")) == 3

    async def test_an_old_batch_after_a_newer_one_is_stale(self, store: Store) -> None:
        token = await token_of(store)
        for revision in (1, 2):
            await store.commit(Batch([checkpoint("i1", revision)]), token)
        with pytest.raises(StaleOwner):
            await store.commit(Batch([checkpoint("i1", 1)]), token)

    async def test_only_what_changed_is_replaced(self, store: Store) -> None:
        token = await token_of(store)
        first = full("i1")
        await store.commit(Batch([first]), token)
        key, gone = ("/do/1/pause", 3), ("/do", 0)
        next_ = checkpoint(first.entry, 2, fields={"output": 0}, live={key: (None, {"attempt": 9}), gone: None})
        await store.commit(Batch([next_]), token)
        found = await stored(store, "i1")
        assert found.fields == {**first.fields, "output": 0}
        assert found.live == [(key, {"sequence": 2, "input": STRANGE}, {"attempt": 9})]
        [(_, subscriptions)] = await store.unfinished()
        assert subscriptions == first.subscriptions

    async def test_a_live_state_may_be_written_anew(self, store: Store) -> None:
        token = await token_of(store)
        key = ("/do/0/x", 0)
        for revision in (1, 2):
            pieces = ({"sequence": revision}, {"attempt": 0, "memory": revision})
            await store.commit(Batch([checkpoint("i1", revision, live={key: pieces})]), token)
        assert (await stored(store, "i1")).live == [(key, {"sequence": 2}, {"attempt": 0, "memory": 2})]

    async def test_concurrent_commits_are_all_written(self, store: Store) -> None:
        token = await token_of(store)
        async with asyncio.TaskGroup() as group:
            for n in range(40):
                group.create_task(store.commit(Batch([full(f"i{n:02}")]), token))
        assert [found.id for found, _ in await store.unfinished()] == [f"i{n:02}" for n in range(40)]

    async def test_a_batch_repeated_while_its_first_try_is_under_way_is_written_once(self, store: Store) -> None:
        token = await token_of(store)
        for revision in (1, 2):
            same = Batch([checkpoint("i1", revision, history=[("", record(f"/do/{revision}/x"))])])
            async with asyncio.TaskGroup() as group:
                for _ in range(5):
                    group.create_task(store.commit(same, token))
        assert [each["position"] for each in await store.history("i1")] == ["/do/1/x", "/do/2/x"]

    async def test_big_values_come_back(self, store: Store) -> None:
        big = "0123456789abcdé" * (20 * 1024 * 1024 // 16)
        token = await token_of(store)
        batch = Batch(
            [
                checkpoint(
                    "i1",
                    fields={"input": big},
                    live={("/do/1/y", 0): ({"sequence": 1, "input": big}, {"attempt": 0})},
                    history=[("", record("/do/0/x", output=big))],
                )
            ]
        )
        await store.commit(batch, token)
        found = await stored(store, "i1")
        assert found.fields["input"] == found.live[0][1]["input"] == big
        assert (await store.history("i1"))[0]["output"] == big

    async def test_strange_texts_are_kept_everywhere(self, store: Store) -> None:
        token = await token_of(store)
        id, position = f"i{STRANGE}", f"/do/0/{STRANGE}"
        of = entry(id, namespace=STRANGE, name=STRANGE, version=STRANGE, tags={STRANGE: STRANGE}, parent=STRANGE)
        strange = checkpoint(
            of,
            live={(position, 0): ({"sequence": 1, STRANGE: STRANGE}, {"attempt": 0})},
            history=[(position, record(position, 1, next=position))],
            outbox=[event(STRANGE, STRANGE, data=STRANGE)],
        )
        await store.commit(Batch([strange], [(STRANGE, STRANGE, 9e9)]), token)
        assert (await stored(store, id)).live == [((position, 0), {"sequence": 1, STRANGE: STRANGE}, {"attempt": 0})]
        assert await store.history(id) == [record(position, 1, next=position)]
        assert (await store.find(Query(tag=(STRANGE, STRANGE), name=STRANGE, namespace=STRANGE))).items == [of]
        assert await store.seen([(STRANGE, STRANGE), (STRANGE.strip(), STRANGE)]) == {(STRANGE, STRANGE)}
        assert await store.outbox() == strange.outbox
        await store.commit(Batch(sent=[(STRANGE, STRANGE)]), token)
        assert not await store.outbox()

    async def test_ids_that_differ_little_are_different(self, store: Store) -> None:
        ids = ["a", "A", "a ", "á", "a\x00", "a\x01", "i" * 255, "i" * 254]
        await store.commit(Batch([checkpoint(id) for id in ids]), await token_of(store))
        assert set(await store.load(ids)) == set(ids)
        assert [found.id for found, _ in await store.unfinished()] == sorted(ids)
