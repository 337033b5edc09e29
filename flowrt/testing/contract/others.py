"""Definitions, accepted events, the outbox; what is damaged, and what outlives the process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from flowrt.stores.protocol import Batch, BrokenEntry, Definition, Mark, Query, Store
from flowrt.testing.contract.commits import stored, token_of
from flowrt.testing.contract.records import STRANGE, checkpoint, event, full

Reopen = Callable[[Store], Awaitable[Store]]
Damage = Callable[[Store, str], Awaitable[None]]

_DEFINITION = Definition("sha256:1", "shop", "order", "1.0.0", f"do: [] # {STRANGE}", False, "file:///a")


class OtherContract:
    """The rest."""

    async def test_definitions(self, store: Store) -> None:
        other = Definition("sha256:2", "shop", "order", "2.0.0", "do: []", True)
        assert await store.definition("sha256:1") is None
        assert await store.deployed() == []
        for each in (_DEFINITION, other, _DEFINITION):
            await store.put_definition(each)
        assert await store.definition("sha256:1") == _DEFINITION
        assert await store.deployed() == [other]
        changed = Definition("sha256:1", "x", "y", "z", "another source", True)
        await store.put_definition(changed)
        kept = await store.definition("sha256:1")
        assert kept is not None
        assert (kept.source, kept.deployed) == (_DEFINITION.source, True)
        await store.put_definition(_DEFINITION)
        assert await store.deployed() == [other]

    async def test_accepted_events(self, store: Store) -> None:
        token = await token_of(store)
        await store.commit(Batch(seen=[("/a", "1", 100.0), ("/a", "2", 200.0), ("/b", "1", 300.0)]), token)
        await store.commit(Batch(seen=[("/a", "1", 250.0)]), token)
        asked = [("/a", "1"), ("/a", "2"), ("/b", "1"), ("/b", "2"), ("", "")]
        assert await store.seen(asked) == set(asked[:3])
        assert await store.seen([]) == set()
        await store.forget_seen(250.0)
        assert await store.seen(asked) == {("/a", "1"), ("/b", "1")}

    async def test_the_outbox_takes_events_of_no_instance(self, store: Store) -> None:
        token = await token_of(store)
        await store.commit(Batch([checkpoint("i1", outbox=[event("1")])], outbox=[event("2"), event("3")]), token)
        await store.commit(Batch(outbox=[event("4", data=STRANGE)], sent=[("/till", "2")]), token)
        assert [each["id"] for each in await store.outbox()] == ["1", "3", "4"]

    async def test_marks_of_accepted_events_by_the_page(self, store: Store) -> None:
        token = await token_of(store)
        marks = [(f"/s{n % 3} {STRANGE}", f"{n:04} {STRANGE}", 100.25 + n % 7) for n in range(500)]
        await store.commit(Batch(seen=marks), token)
        found: list[Mark] = []
        while page := await store.marks(found[-1] if found else None, 70):
            assert len(page) <= 70
            found += page
        assert sorted(found) == sorted(marks)
        assert sorted(await store.marks()) == sorted(marks)

    async def test_many_and_long_event_ids(self, store: Store) -> None:
        token = await token_of(store)
        events = [("/source" * 100 + str(n % 3), "id" * 300 + str(n)) for n in range(1500)]
        await store.commit(Batch(seen=[(*each, 9e9) for each in events]), token)
        assert await store.seen([*events, ("/source" * 100, "id")]) == set(events)

    async def test_the_outbox_is_in_order_until_sent(self, store: Store) -> None:
        token = await token_of(store)
        for revision in (1, 2, 3):
            emitted = [event(f"{revision}-{n}", data={"n": n}) for n in (2, 0, 1)]
            await store.commit(Batch([checkpoint("i1", revision, outbox=emitted)]), token)
        ids = [f"{revision}-{n}" for revision in (1, 2, 3) for n in (2, 0, 1)]
        assert [each["id"] for each in await store.outbox()] == ids
        await store.commit(Batch(sent=[("/till", ids[0]), ("/till", ids[4]), ("/other", ids[1])]), token)
        assert [each["id"] for each in await store.outbox()] == ids[1:4] + ids[5:]
        await store.delete(["i1"])
        assert len(await store.outbox()) == 7

    async def test_events_come_back_as_they_were(self, store: Store) -> None:
        token = await token_of(store)
        events = [
            event("1", data=None, time="2024-02-30 nonsense", subject=STRANGE, dataschema="s" * 300, ext=1),
            event("2", data_base64="AAE=", datacontenttype="application/octet-stream", time="2024-01-01T00:00:00.123Z"),
            event("1", "/second", specversion="0.3", data=[{"a": "b" * 100_000}]),
        ]
        await store.commit(Batch([checkpoint("i1", outbox=events)]), token)
        assert await store.outbox() == events

    async def test_a_damaged_record_is_set_aside(self, store: Store, damage: Damage) -> None:
        await store.commit(Batch([full("good"), full("bad")]), await token_of(store))
        await damage(store, "bad")
        found = await store.load(["good", "bad"])
        broken = found.pop("bad")
        assert isinstance(broken, BrokenEntry)
        assert broken.id == "bad"
        assert broken.reason
        assert not isinstance(found["good"], BrokenEntry)
        assert {each.id for each, _ in await store.unfinished()} == {"good", "bad"}
        assert await store.delete(["bad"]) == 1
        assert await store.load(["bad"]) == {}

    async def test_everything_outlives_the_process(self, store: Store, reopen: Reopen) -> None:
        if not store.durable:
            pytest.skip("this store keeps nothing, and says so")
        token = await token_of(store)
        whole = full("i1")
        await store.commit(Batch([whole], [("/a", "1", 9e9)]), token)
        await store.put_definition(_DEFINITION)
        again = await reopen(store)
        assert (await stored(again, "i1")).head == whole.head
        assert await again.history("i1") == [each for _, each in whole.history]
        assert (await again.find(Query(tag=("colour", "blue")))).items == [whole.entry]
        assert await again.seen([("/a", "1")]) == {("/a", "1")}
        assert await again.outbox() == whole.outbox
        assert await again.definition("sha256:1") == _DEFINITION
        later = await token_of(again)
        assert later > token
        await again.commit(Batch([checkpoint(whole.entry, 2)]), later)

    async def test_it_says_how_it_is(self, store: Store) -> None:
        assert await store.check() is None
        await store.commit(Batch([checkpoint("i1")]), await token_of(store))
        info = await store.info()
        assert info["store"] == store.name
        assert info["instances"] == 1
        assert info["durable"] is store.durable
