"""What the history of an instance keeps, in which order, and what is pruned."""

from __future__ import annotations

from typing import Any

from flowrt.stores.protocol import Batch, Store
from flowrt.testing.contract.commits import stored, token_of
from flowrt.testing.contract.records import checkpoint, record


def positions(records: list[dict[str, object]]) -> list[tuple[object, object, object]]:
    """Position, iteration and attempt of each record."""
    return [(each["position"], each["iteration"], each["attempt"]) for each in records]


class HistoryContract:
    """Completed tasks."""

    async def test_it_is_in_order_of_completion(self, store: Store) -> None:
        token = await token_of(store)
        written = []
        for revision in range(1, 12):
            records = [record(f"/do/{(revision * 7 + n) % 10}/x", revision, output=n) for n in range(11)]
            await store.commit(Batch([checkpoint("i1", revision, history=[("", each) for each in records])]), token)
            written += records
        assert await store.history("i1") == written

    async def test_every_attempt_is_kept(self, store: Store) -> None:
        token = await token_of(store)
        a, b = "/do/0/t/try/0/a", "/do/0/t/try/1/b"
        live = ({"sequence": 2}, {"attempt": 1})
        steps: list[dict[str, Any]] = [
            {"history": [("", record(a, output=0))]},
            # The next attempt begins: the same task is live, and had completed.
            {"live": {(a, 0): live}},
            {"live": {(a, 0): None}, "history": [("", record(a, 0, 1, output=1)), ("", record(b, 0, 1))]},
            # Two attempts within one commit, and a third that is under way.
            {"history": [("", record(a, 0, 2)), ("", record(a, 0, 3))], "live": {(a, 0): live}},
            # A fault was taken back: an attempt number comes again.
            {"live": {(a, 0): None}, "history": [("", record(b, 0, 1, output="again"))]},
        ]
        for revision, parts in enumerate(steps, 1):
            await store.commit(Batch([checkpoint("i1", revision, **parts)]), token)
        expected = [(a, 0, 0), (a, 0, 1), (b, 0, 1), (a, 0, 2), (a, 0, 3), (b, 0, 1)]
        assert positions(await store.history("i1")) == expected
        assert not (await stored(store, "i1")).live

    async def test_a_task_repeated_without_an_attempt_number_is_kept(self, store: Store) -> None:
        token = await token_of(store)
        for revision in (1, 2, 3):
            written = checkpoint("i1", revision, history=[("", record("/do/0/a", output=revision))])
            await store.commit(Batch([written, checkpoint(f"other{revision}")]), token)
        assert [each["output"] for each in await store.history("i1")] == [1, 2, 3]

    async def test_a_completed_task_and_a_live_state_may_share_a_key(self, store: Store) -> None:
        token = await token_of(store)
        key = ("/do/0/a", 0)
        live = {key: ({"sequence": 1}, {"attempt": 0})}
        await store.commit(Batch([checkpoint("i1", live=live, history=[("", record("/do/0/a"))])]), token)
        assert len((await stored(store, "i1")).live) == len(await store.history("i1")) == 1
        changed = {key: (None, {"attempt": 1})}
        await store.commit(Batch([checkpoint("i1", 2, live=changed)]), token)
        assert (await stored(store, "i1")).live == [(key, {"sequence": 1}, {"attempt": 1})]
        await store.commit(Batch([checkpoint("i1", 3, live={key: None})]), token)
        assert len(await store.history("i1")) == 1

    async def test_earlier_rounds_of_a_loop_are_pruned(self, store: Store) -> None:
        token = await token_of(store)
        outer, inner = "/do/0/outer", "/do/0/outer/do/0/inner"
        first = [("", record("/do/9/x"))]
        for iteration in range(6):
            first += [(outer, record(f"{outer}/do/1/a", iteration)), (inner, record(f"{inner}/do/0/b", iteration))]
        # Attempts that were displaced are pruned like others.
        first.append((outer, record(f"{outer}/do/1/a", 1, 1)))
        await store.commit(Batch([checkpoint("i1", history=first), checkpoint("i2", history=first)]), token)
        live = {(f"{outer}/do/1/a", 2): ({"sequence": 1}, {"attempt": 1})}
        now = [(outer, record(f"{outer}/do/1/a", 6)), (inner, record(f"{inner}/do/0/b", 0))]
        pruned = checkpoint("i1", 2, pruned={outer: 4, inner: 6}, history=now, live=live)
        await store.commit(Batch([pruned]), token)
        assert positions(await store.history("i1")) == [
            ("/do/9/x", 0, 0),
            (f"{outer}/do/1/a", 4, 0),
            (f"{outer}/do/1/a", 5, 0),
            (f"{outer}/do/1/a", 6, 0),
            (f"{inner}/do/0/b", 0, 0),
        ]
        assert len((await stored(store, "i1")).live) == 1
        assert len(await store.history("i2")) == len(first)

    async def test_long_positions_are_kept(self, store: Store) -> None:
        token = await token_of(store)
        deep = [f"{'/do/0/step' * 200}{end}" for end in ("/a", "/b")]
        live = {(position, 0): ({"sequence": n}, {"attempt": 0}) for n, position in enumerate(deep)}
        history = [(position, record(position, 1, next=position)) for position in deep]
        await store.commit(Batch([checkpoint("i1", live=live, history=history)]), token)
        moved = {(position, 0): (None, {"attempt": 5}) for position in deep}
        await store.commit(Batch([checkpoint("i1", 2, live=moved, pruned={deep[0]: 2})]), token)
        found = {key: (fixed, moving) for key, fixed, moving in (await stored(store, "i1")).live}
        assert found == {key: (live[key][0], {"attempt": 5}) for key in live}
        assert await store.history("i1") == [history[1][1]]

    async def test_an_unknown_instance_has_none(self, store: Store) -> None:
        assert await store.history("nobody") == []
