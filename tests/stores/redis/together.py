"""Instances that move together, so that half a commit shows; for the tests of servers that fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from flowrt.core.records import Stored
from flowrt.stores.protocol import Batch, Query, StoreUnavailable
from flowrt.stores.redis import RedisStore
from tests.stores.checkpoints import checkpoint, entry, record

INSTANCES = 8


def batch(revision: int) -> Batch:
    """All instances move together."""
    status = "waiting" if revision % 2 else "running"
    return Batch(
        [
            checkpoint(
                entry(f"i{n}", status),
                revision,
                live={("/do", 0): ({"sequence": 1} if revision == 1 else None, {"attempt": revision})},
                history=[("", record(f"/do/{revision}", output="x" * 200))],
                outbox=[{"source": "/s", "id": f"{n}-{revision}"}],
            )
            for n in range(INSTANCES)
        ],
        sent=[("/s", f"{n}-{revision - 1}") for n in range(INSTANCES)],
    )


async def check_whole(store: RedisStore, acknowledged: int) -> int:
    """The revision that all instances have, with everything that belongs to it."""
    loaded = await store.load([f"i{n}" for n in range(INSTANCES)])
    assert len(loaded) == INSTANCES
    revisions = {stored.head["revision"] for stored in loaded.values() if isinstance(stored, Stored)}
    assert len(revisions) == 1
    revision: int = revisions.pop()
    assert acknowledged <= revision <= acknowledged + 1
    for id_, stored in loaded.items():
        assert isinstance(stored, Stored)
        assert [moving for _, _, moving in stored.live] == [{"attempt": revision}]
        positions = [done["position"] for done in await store.history(id_)]
        assert positions == [f"/do/{n}" for n in range(1, revision + 1)]
    status = "waiting" if revision % 2 else "running"
    assert len((await store.find(Query(status=status))).items) == INSTANCES
    assert [event["id"] for event in await store.outbox()] == [f"{n}-{revision}" for n in range(INSTANCES)]
    return revision


async def commit_until(store: RedisStore, token: int, done: Callable[[], bool]) -> int:
    """Commits without end, repeating what was not acknowledged; the last revision acknowledged."""
    revision = 0
    while not done():
        try:
            await store.commit(batch(revision + 1), token)
            revision += 1
        except StoreUnavailable:
            await asyncio.sleep(0.01)  # the pace of the repetitions
    return revision
