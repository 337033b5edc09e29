"""The Python API: what contract says of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cloudevents.core.v1.event import CloudEvent

from flowrt import Conflict, InvalidDefinition, InvalidInput, Runtime, UnknownInstance
from flowrt.config.model import Config, Persistence, RetentionTimes

HEAD = "document: {{dsl: '1.0.3', namespace: test, name: {name}, version: '{version}'}}\n"
WAITING = HEAD.format(name="waiting", version="1.0.0") + (
    "do: [{wait: {listen: {to: {one: {with: {type: go}}}}}}, {done: {set: {got: '${ .[0] }'}}}]"
)


def set_(name: str, value: str, version: str = "1.0.0") -> str:
    return HEAD.format(name=name, version=version) + f"do: [{{it: {{set: {{v: '{value}'}}}}}}]"


def event(id_: str, **attributes: Any) -> dict[str, Any]:
    return {"specversion": "1.0", "id": id_, "source": "/test", "type": "go", **attributes}


async def test_functions_sync_async_and_classes() -> None:
    async with Runtime() as runtime:

        @runtime.function("add")
        def add(a: int, b: int) -> int:
            return a + b

        @runtime.function("later")
        async def later(value: str) -> str:
            await asyncio.sleep(0)
            return value.upper()

        @runtime.function("Counter")
        class Counter:
            def __call__(self, value: list[int]) -> int:
                return len(value)

        runtime.deploy(
            HEAD.format(name="calls", version="1.0.0")
            + "do: [{a: {call: add, with: {a: 1, b: 2}}}, {b: {call: later, with: {value: '${ \"x\\(.)\" }'}}},"
            " {c: {call: Counter, with: {value: ['${ . }']}}}]"
        )
        assert (await (await runtime.start("test:calls")).result(5)).output == 1


async def test_a_function_that_fails_and_one_that_gives_no_json() -> None:
    async with Runtime() as runtime:
        runtime.function("fail")(lambda: 1 / 0)
        runtime.function("odd")(lambda: object())
        for name in ("fail", "odd"):
            runtime.deploy(HEAD.format(name=name, version="1.0.0") + f"do: [{{a: {{call: {name}}}}}]")
            result = await (await runtime.start(f"test:{name}")).result(5)
            assert result.error is not None
            assert result.error["type"].endswith("/runtime")


async def test_the_highest_version_is_started() -> None:
    async with Runtime() as runtime:
        for version in ("1.9.0", "1.10.0", "1.10.0-rc.1"):
            runtime.deploy(set_("versions", version, version))
        assert (await (await runtime.start("test:versions")).result(5)).output == {"v": "1.10.0"}


async def test_suspend_holds_the_event_and_resume_takes_it() -> None:
    async with Runtime() as runtime:
        runtime.deploy(WAITING)
        handle = await runtime.start("test:waiting")
        await handle.suspend()
        assert await handle.status == "suspended"
        assert await runtime.publish(event("1", data={"n": 1}))
        assert await handle.status == "suspended"
        await handle.resume()
        assert (await handle.result(5)).output == {"got": {"n": 1}}


async def test_an_event_counts_once() -> None:
    async with Runtime() as runtime:
        runtime.deploy(WAITING)
        assert await runtime.publish(event("1"))
        handle = await runtime.start("test:waiting")
        assert not await runtime.publish(event("1"))
        assert await handle.status == "waiting"


async def test_events_of_the_cloudevents_package() -> None:
    async with Runtime() as runtime:
        runtime.deploy(WAITING)
        handle = await runtime.start("test:waiting")
        attributes = {"id": "1", "source": "/x", "type": "go", "specversion": "1.0", "time": datetime.now(UTC)}
        await runtime.publish(CloudEvent({**attributes, "datacontenttype": "application/json"}, {"a": 1}))
        assert (await handle.result(5)).output == {"got": {"a": 1}}


async def test_cancelled_is_final() -> None:
    async with Runtime() as runtime:
        runtime.deploy(WAITING)
        handle = await runtime.start("test:waiting")
        await handle.cancel()
        await handle.cancel()
        assert (await handle.result(5)).status == "cancelled"
        with pytest.raises(Conflict):
            await handle.suspend()


async def test_retry_goes_on_from_the_failed_task() -> None:
    async with Runtime() as runtime:
        broken = [True]

        @runtime.function("flaky")
        def flaky() -> str:
            if broken[0]:
                raise ValueError("not yet")
            return "well"

        runtime.deploy(
            HEAD.format(name="retried", version="1.0.0") + "do: [{a: {set: {n: 1}}}, {b: {do: [{c: {call: flaky}}]}}]"
        )
        handle = await runtime.start("test:retried")
        assert (await handle.result(5)).status == "faulted"
        broken[0] = False
        await handle.retry()
        assert (await handle.result(5)).output == "well"
        assert [task["position"] for task in await handle.tasks()] == ["/do/0/a", "/do/1/b/do/0/c", "/do/1/b"]


async def test_an_id_and_an_idempotency_key_give_the_first_instance() -> None:
    async with Runtime() as runtime:
        runtime.deploy(set_("once", "${ .n }"))
        first = await runtime.start("test:once", {"n": 1}, id="mine")
        again = await runtime.start("test:once", {"n": 2}, id="mine")
        assert (await again.result(5)).output == (await first.result(5)).output == {"v": 1}
        one = await runtime.start("test:once", {"n": 1}, idempotency_key="k")
        two = await runtime.start("test:once", {"n": 2}, idempotency_key="k")
        assert one.id == two.id


async def test_lists_by_tag_and_status() -> None:
    async with Runtime() as runtime:
        runtime.deploy(set_("tagged", "1"))
        runtime.deploy(WAITING)
        await (await runtime.start("test:tagged", tags={"customer": "7"})).result(5)
        await runtime.start("test:waiting")
        assert [each.status async for each in runtime.instances(tag=("customer", "7"))] == ["completed"]
        assert [each.status async for each in runtime.instances(status="waiting")] == ["waiting"]


async def test_tags_given_by_the_workflow() -> None:
    async with Runtime() as runtime:
        runtime.deploy(
            HEAD.format(name="tags", version="1.0.0") + "do: [{a: {set: {c: 7}, metadata: {tags: {c: '${ .c }'}}}}]"
        )
        handle = await runtime.start("test:tags")
        await handle.result(5)
        assert (await handle.describe())["tags"] == {"c": "7"}


async def test_excluded_means_in_memory(tmp_path: Path) -> None:
    config = Config(persistence=Persistence(exclude_workflows=("test:waiting",)))
    async with Runtime(store=f"file://{tmp_path}/s", config=config) as runtime:
        runtime.deploy(WAITING)
        handle = await runtime.start("test:waiting", id="volatile")
        assert await handle.status == "waiting"
        assert [each.id async for each in runtime.instances()] == ["volatile"]
    async with Runtime(store=f"file://{tmp_path}/s", config=config) as runtime:
        with pytest.raises(UnknownInstance):
            await runtime.handle("volatile").describe()


async def test_no_auto_restore(tmp_path: Path) -> None:
    async with Runtime(store=f"file://{tmp_path}/s") as runtime:
        runtime.deploy(HEAD.format(name="nap", version="1.0.0") + "do: [{nap: {wait: {milliseconds: 50}}}]")
        await runtime.start("test:nap", id="nap")
    config = Config(persistence=Persistence(auto_restore=False))
    async with Runtime(store=f"file://{tmp_path}/s", config=config) as runtime:
        await asyncio.sleep(0.2)
        assert (await runtime.handle("nap").describe())["status"] == "waiting"
    async with Runtime(store=f"file://{tmp_path}/s") as runtime:
        assert (await runtime.handle("nap").result(5)).status == "completed"


async def test_retention_of_nothing_removes_at_once() -> None:
    config = Config(persistence=Persistence(retention=RetentionTimes(completed=0.0)))
    async with Runtime(config=config) as runtime:
        runtime.deploy(set_("gone", "1"))
        handle = await runtime.start("test:gone", id="gone")
        await handle.result(5)
        async with asyncio.timeout(5):
            while [each async for each in runtime.instances()]:
                await asyncio.sleep(0.01)


async def test_a_schedule_survives_and_a_sub_workflow_is_the_same_child(tmp_path: Path) -> None:
    child = HEAD.format(name="child", version="1.0.0") + "do: [{wait: {listen: {to: {one: {with: {type: go}}}}}}]"
    parent = HEAD.format(name="parent", version="1.0.0") + (
        "do: [{run: {run: {workflow: {namespace: test, name: child, version: latest}}}}]"
    )
    store = f"file://{tmp_path}/s"
    async with Runtime(store=store) as runtime:
        runtime.deploy(child)
        runtime.deploy(parent)
        await runtime.start("test:parent", id="p")
        async with asyncio.timeout(5):
            while len(before := [each.id async for each in runtime.instances()]) < 2:
                await asyncio.sleep(0.01)
    async with Runtime(store=store) as runtime:
        await runtime.publish(event("1", data=5))
        assert (await runtime.handle("p").result(5)).output == [5]
        assert [each.id async for each in runtime.instances()] == before


async def test_wrong_documents_and_inputs_are_told() -> None:
    async with Runtime() as runtime:
        with pytest.raises(InvalidDefinition) as wrong:
            runtime.deploy("document: {dsl: '1.0.3'}\ndo: [{a: {sett: 1}}]\n")
        assert len(wrong.value.problems) >= 4
        runtime.deploy(
            HEAD.format(name="strict", version="1.0.0")
            + "input: {schema: {document: {type: object, required: [id]}}}\ndo: [{a: {set: {ok: true}}}]"
        )
        with pytest.raises(InvalidInput, match="id"):
            await runtime.start("test:strict", {})
        with pytest.raises(InvalidInput):
            await runtime.start("test:strict", {"id": 2**70})
        assert [each async for each in runtime.instances()] == []
