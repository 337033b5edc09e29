"""`events.lookback`: what nobody takes is kept, goes to the first that listens for it later, and to nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flowrt import Runtime
from flowrt.config.model import Config, Events, Storage
from flowrt.core.definition import Subscription
from flowrt.expressions.jq import compile as jq
from flowrt.runtime import offering
from flowrt.runtime.index import EventIndex, SubscriptionIndex
from flowrt.stores.protocol import Batch, StaleOwner

HEAD = "document: {{dsl: '1.0.3', namespace: test, name: {name}, version: '1.0.0'}}\n"
HEARS = HEAD.format(name="hears") + "do: [{hear: {listen: {to: {one: {with: {type: paid}}}}}}]"
UNBOUNDED = HEAD.format(name="hears") + (
    "do: [{a: {set: {n: '${ [limit(3; repeat(1))] | length }'}}}, {hear: {listen: {to: {one: {with: {type: paid}}}}}}]"
)
CORRELATES = HEAD.format(name="hears") + (
    "do: [{hear: {listen: {to: {one: {with: {type: paid}, correlate: {id: {from: .data.id, expect: '${ .id }'}}}}}}}]"
)
BOTH = HEAD.format(name="hears") + "do: [{hear: {listen: {to: {all: [{with: {type: paid}}, {with: {type: sent}}]}}}}]"
SCHEDULED = HEAD.format(name="begins") + (
    "schedule: {on: {one: {with: {type: paid}}}}\ndo: [{a: {set: {heard: '${ .[0].data }'}}}]"
)


def event(number: int = 1, type_: str = "paid") -> dict[str, Any]:
    return {"specversion": "1.0", "id": f"e{number}", "source": "/till", "type": type_, "data": {"id": number}}


def runtime_on(store: str = "memory://", lookback_s: float = 600.0) -> Runtime:
    return Runtime(store=None, config=Config(storage=Storage(url=store), events=Events(lookback=lookback_s)))


async def kept(runtime: Runtime) -> list[str]:
    await runtime.assembly.worker.committer.mark("/test", "flush", 0.0)
    return [each["data"]["event"]["id"] for each in await runtime.assembly.store.outbox()]


async def waits(runtime: Runtime, id_: str) -> bool:
    return str((await runtime.handle(id_).describe())["status"]) == "waiting"


@pytest.mark.parametrize("definition", [HEARS, UNBOUNDED], ids=["bounded", "unbounded"])
async def test_it_goes_to_the_first_that_listens_later(definition: str) -> None:
    async with runtime_on() as runtime:
        runtime.deploy(definition)
        assert await runtime.publish(event())
        assert await kept(runtime) == ["e1"]
        first = await runtime.start("test:hears", {}, id="first")
        assert (await first.result(10)).output == [{"id": 1}]
        assert await kept(runtime) == []
        await runtime.start("test:hears", {}, id="second")
        assert not await runtime.publish(event())
        assert await waits(runtime, "second")


async def test_what_someone_takes_is_not_kept() -> None:
    async with runtime_on() as runtime:
        runtime.deploy(HEARS)
        first = await runtime.start("test:hears", {})
        assert await runtime.publish(event())
        assert (await first.result(10)).status == "completed"
        assert await kept(runtime) == []


async def test_what_is_offered_and_not_taken_is_kept() -> None:
    async with runtime_on() as runtime:
        runtime.deploy(HEARS.replace("type: paid", "type: paid, data: '${ .id == 2 }'"))
        await runtime.start("test:hears", {}, id="first")
        await runtime.publish(event(1))
        assert await kept(runtime) == ["e1"]


async def test_without_a_lookback_nothing_is_kept() -> None:
    async with runtime_on(lookback_s=0.0) as runtime:
        runtime.deploy(HEARS)
        assert await runtime.publish(event())
        assert await kept(runtime) == []
        await runtime.start("test:hears", {}, id="late")
        assert await waits(runtime, "late")


async def test_of_many_each_gets_its_own_and_asks_for_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    async with runtime_on() as runtime:
        runtime.deploy(CORRELATES)
        for number in range(50):
            await runtime.publish(event(number))
        given: list[str] = []
        give = runtime.assembly.worker.give

        async def noted(running: Any, signal: Any) -> None:
            given.append(signal.event["id"])
            await give(running, signal)

        monkeypatch.setattr(runtime.assembly.worker, "give", noted)
        for number in (7, 3):
            handle = await runtime.start("test:hears", {"id": number})
            assert (await handle.result(10)).output == [{"id": number}]
        assert given == ["e7", "e3"]
        assert len(await kept(runtime)) == 48


async def test_several_for_one_listener() -> None:
    async with runtime_on() as runtime:
        runtime.deploy(BOTH)
        await runtime.publish(event(1, "sent"))
        await runtime.publish(event(2, "paid"))
        await runtime.publish(event(3, "paid"))
        handle = await runtime.start("test:hears", {})
        assert sorted(each["id"] for each in (await handle.result(10)).output) == [1, 2]
        assert await kept(runtime) == ["e3"]


async def test_of_two_that_begin_together_one_gets_it() -> None:
    async with runtime_on() as runtime:
        runtime.deploy(HEARS)
        await runtime.publish(event())
        handles = await asyncio.gather(*(runtime.start("test:hears", {}) for _ in range(5)))
        await kept(runtime)
        found = [str((await handle.describe())["status"]) for handle in handles]
        assert sorted(found) == ["completed", *["waiting"] * 4]


async def test_a_definition_deployed_later_begins_with_it() -> None:
    ended: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    async with runtime_on() as runtime:
        runtime.on_event(ended.put_nowait)
        await runtime.publish(event())
        runtime.deploy(SCHEDULED)
        told: dict[str, Any] = {"type": None}
        while told["type"] != "io.serverlessworkflow.workflow.completed.v1":
            told = await asyncio.wait_for(ended.get(), 10)
        assert told["data"]["output"] == {"heard": {"id": 1}}
        assert await kept(runtime) == []


async def test_its_time_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    at = offering.now()
    monkeypatch.setattr(offering, "now", lambda: at)
    async with runtime_on() as runtime:
        runtime.deploy(HEARS)
        await runtime.publish(event())
        at += 600.0
        await runtime.start("test:hears", {}, id="late")
        assert await waits(runtime, "late")
        assert await kept(runtime) == ["e1"]
        runtime.assembly.worker.offering.expire()
        assert await kept(runtime) == []


async def test_it_outlives_the_process_but_not_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at, url = offering.now(), f"file://{tmp_path}/store"
    monkeypatch.setattr(offering, "now", lambda: at)
    async with runtime_on(url) as runtime:
        await runtime.publish(event(1))
        at += 300.0
        await runtime.publish(event(2))
    at += 400.0
    # Also when it is not wanted any more: it was promised.
    async with runtime_on(url, lookback_s=0.0) as runtime:
        runtime.deploy(HEARS)
        assert await kept(runtime) == ["e2"]
        handle = await runtime.start("test:hears", {})
        assert (await handle.result(10)).output == [{"id": 2}]
        assert not await runtime.publish(event(1))


class Cut:
    """Lets a store take some commits; then another process is its owner."""

    def __init__(self, runtime: Runtime, commits: int) -> None:
        self._commits, self.over = commits, asyncio.Event()
        store: Any = runtime.assembly.store
        self._commit: Callable[[Batch, int], Any] = store.commit
        store.commit = self.commit

    async def commit(self, batch: Batch, token: int) -> None:
        if not self._commits:
            self.over.set()
            raise StaleOwner("killed")
        self._commits -= 1
        await self._commit(batch, token)


async def scenario(runtime: Runtime) -> None:
    """Goes on from wherever an earlier try has ended."""
    runtime.deploy(HEARS)
    await runtime.publish(event())
    known = {handle.id async for handle in runtime.instances()}
    for id_ in ("one", "two"):
        if id_ not in known:
            await runtime.start("test:hears", {}, id=id_)
    tasks = [asyncio.create_task(runtime.handle(id_).result()) for id_ in ("one", "two")]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    assert await kept(runtime) == []


@pytest.mark.parametrize("commits", range(1, 9))
async def test_a_crash_at_every_commit_neither_loses_nor_doubles_it(commits: int, tmp_path: Path) -> None:
    url = f"file://{tmp_path}/store"
    async with runtime_on(url) as runtime:
        cut = Cut(runtime, commits)
        tried = {asyncio.create_task(scenario(runtime)), asyncio.create_task(cut.over.wait())}
        _, left = await asyncio.wait(tried, return_when=asyncio.FIRST_COMPLETED)
        for task in left:
            task.cancel()
    async with runtime_on(url) as runtime:
        await asyncio.wait_for(scenario(runtime), 10)
        found = {id_: await runtime.handle(id_).describe() for id_ in ("one", "two")}
        assert sorted(each["status"] for each in found.values()) == ["completed", "waiting"]


async def test_who_began_to_listen_before_a_crash_is_asked_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"file://{tmp_path}/store"
    async with runtime_on(url) as runtime:
        runtime.deploy(HEARS)
        await runtime.publish(event())
        monkeypatch.setattr(runtime.assembly.worker.offering, "listening", lambda id_, subscriptions: None)
        for id_ in ("first", "second"):
            await runtime.start("test:hears", {}, id=id_)
            assert await waits(runtime, id_)
    async with runtime_on(url) as runtime:
        assert await kept(runtime) == []
        found = [str((await runtime.handle(id_).describe())["status"]) for id_ in ("first", "second")]
        assert sorted(found) == ["completed", "waiting"]


@pytest.mark.parametrize(
    "changed", [{"source": "/till"}, {"type": "paid"}, {"data": None}, {"data": "text"}, {"data": {"event": {}}}]
)
async def test_what_only_looks_like_an_envelope_is_an_event(changed: dict[str, Any]) -> None:
    envelope = {"id": "1", "source": offering.SOURCE, "type": offering.TYPE, "data": {"event": event(), "until": 0.0}}
    async with runtime_on() as runtime:
        assert not await runtime.assembly.worker.offering.restore({**envelope, **changed})
        assert await runtime.assembly.worker.offering.restore(envelope)


def test_events_are_found_by_type_and_value() -> None:
    index = EventIndex(SubscriptionIndex(jq))
    events = [event(number, type_) for number, type_ in enumerate(("paid", "sent", "paid", "paid"))]
    for each in events[:3]:
        index.put(each)
    by_id, other = Subscription("paid", ".data.id", 2), Subscription("paid", ".data.id", 9)
    assert index.matches(by_id) == [events[2]]
    assert index.matches(other) == []
    assert index.matches(Subscription("paid", ".data.id", 3)) == []
    index.put(events[3])
    assert index.matches(Subscription("paid", ".data.id", 3)) == [events[3]]
    assert index.matches(Subscription("paid", None, None)) == [events[0], *events[2:]]
    assert index.matches(Subscription(None, None, None)) == [events[0], *events[2:], events[1]]
    index.remove(events[2])
    assert index.matches(by_id) == []
    for each in (events[0], events[3], events[1]):
        index.remove(each)
    assert index.matches(Subscription(None, None, None)) == []
    index.put(replace_type(events[2], "sent"))
    assert index.matches(by_id) == []


def replace_type(found: dict[str, Any], type_: str) -> dict[str, Any]:
    return {**found, "type": type_}
