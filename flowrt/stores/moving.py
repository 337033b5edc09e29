"""Moving: everything of one store as JSON lines, and back into another; both stopped or paused meanwhile.

A line is a definition, an instance with its history, an event of the outbox, or some marks of accepted events.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from typing import Any

from flowrt.core.definition import Subscription
from flowrt.core.records import Stored
from flowrt.stores.protocol import Batch, BrokenEntry, Checkpoint, Definition, Entry, Mark, Query, StaleOwner, Store

Json = Any
PAGE = 200
MARKS = 1000


class Damaged(Exception):
    """Something could not be read or written; says what."""


async def entries(store: Store) -> AsyncIterator[tuple[Entry, Sequence[Subscription]]]:
    """Every instance in any status, with what it listens for."""
    listening: dict[str, Sequence[Subscription]] = {}
    after: str | None = None
    while page := await store.unfinished(after, PAGE):
        listening.update((entry.id, subscriptions) for entry, subscriptions in page)
        after = page[-1][0].id
    query = Query(role=None, limit=PAGE)
    while True:
        found = await store.find(query)
        for entry in found.items:
            yield entry, listening.get(entry.id, ())
        if found.next is None:
            return
        query = Query(role=None, limit=PAGE, cursor=found.next)


async def export(store: Store) -> AsyncIterator[Json]:
    """The lines of a store: definitions, instances, outbox. Raises `Damaged` for a record that cannot be read."""
    digests: set[str] = set()
    for definition in await store.deployed():
        digests.add(definition.digest)
        yield {"definition": asdict(definition)}
    async for entry, subscriptions in entries(store):
        if entry.digest not in digests:
            digests.add(entry.digest)
            pinned = await store.definition(entry.digest)
            if pinned is not None:
                yield {"definition": asdict(pinned)}
        stored = (await store.load([entry.id])).get(entry.id)
        if isinstance(stored, BrokenEntry):
            raise Damaged(f"instance {entry.id} cannot be read: {stored.reason}; see `flowrt store check`")
        if stored is not None:
            yield await _instance_line(store, entry, subscriptions, stored)
    for event in await store.outbox():
        yield {"event": event}
    async for marks in pages_of_marks(store):
        yield {"accepted": marks}


async def pages_of_marks(store: Store) -> AsyncIterator[Sequence[Mark]]:
    """Everything that marks events as accepted."""
    after: Mark | None = None
    while marks := await store.marks(after, MARKS):
        yield marks
        after = marks[-1]


async def _instance_line(store: Store, entry: Entry, subscriptions: Sequence[Subscription], stored: Stored) -> Json:
    return {
        "instance": {
            "entry": asdict(entry),
            "head": stored.head,
            "fields": dict(stored.fields),
            "live": [[key[0], key[1], fixed, moving] for key, fixed, moving in stored.live],
            "subscriptions": [asdict(each) for each in subscriptions],
            "history": await store.history(entry.id),
        }
    }


async def import_line(store: Store, line: Json, token: int) -> str | None:
    """Writes one line; gives the id of an instance. Raises what `commit` raises.

    Raises `Damaged` for an unknown line, and for an instance that is there already.
    """
    if "definition" in line:
        await store.put_definition(Definition(**line["definition"]))
        return None
    if "instance" in line:
        checkpoint = _checkpoint(line["instance"])
        try:
            await store.commit(Batch([checkpoint]), token)
        except StaleOwner as error:
            if not error.instances:
                raise
            raise Damaged(f"instance {checkpoint.entry.id} is there already; move into an empty store") from error
        return checkpoint.entry.id
    if "accepted" in line:
        await store.commit(Batch(seen=[(source, id_, until) for source, id_, until in line["accepted"]]), token)
        return None
    if "event" in line:
        await store.commit(Batch(outbox=[line["event"]]), token)
        return None
    raise Damaged(f"a line is a definition, an instance, an event or marks of accepted ones, found {', '.join(line)}")


def _checkpoint(line: Json) -> Checkpoint:
    entry = Entry(**line["entry"])
    return Checkpoint(
        entry,
        1,
        {**line["head"], "revision": 1},
        line["fields"],
        {(key, iteration): (fixed, moving) for key, iteration, fixed, moving in line["live"]},
        [("", record) for record in line["history"]],
        subscriptions=[Subscription(**each) for each in line["subscriptions"]],
    )


async def differences(one: Store, other: Store) -> AsyncIterator[str]:
    """What the second store lacks, or has otherwise, of the first."""
    async for entry, _ in entries(one):
        mine, theirs = (await one.load([entry.id])).get(entry.id), (await other.load([entry.id])).get(entry.id)
        if not isinstance(mine, Stored) or not isinstance(theirs, Stored):
            yield f"instance {entry.id} is missing or damaged"
            continue
        same = (
            {**mine.head, "revision": 0} == {**theirs.head, "revision": 0},
            dict(mine.fields) == dict(theirs.fields),
            sorted(map(repr, mine.live)) == sorted(map(repr, theirs.live)),
            await one.history(entry.id) == await other.history(entry.id),
        )
        if not all(same):
            names = ("head", "data", "live states", "history")
            yield f"instance {entry.id} differs in {', '.join(n for n, s in zip(names, same, strict=True) if not s)}"
    async for marks in pages_of_marks(one):
        events = [(source, id_) for source, id_, _ in marks]
        missing = len(events) - len(await other.seen(events))
        if missing:
            yield f"{missing} of {len(events)} accepted events are not marked"
    to_send, copied = await one.outbox(), await other.outbox()
    if to_send != copied:
        yield f"the outbox has {len(copied)} events, or not the same as the {len(to_send)} there were"
