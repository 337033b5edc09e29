"""When a start is answered, and what an instance hears from then on, whether a thread moves it or not."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from flowrt import Runtime
from flowrt.core.environment import Environment
from flowrt.core.instance import PENDING, Instance
from flowrt.core.machine import Machine
from flowrt.core.records import restore
from flowrt.core.signal import Resume, Suspend, Tick
from flowrt.testing.image import Image
from tests.core.worlds import compiled

HEAD = "document: {dsl: '1.0.3', namespace: test, name: it, version: '1.0.0'}\n"
BOUNDED, UNBOUNDED = "${ length }", "${ [limit(3; repeat(1))] | length }"
"""What may run for ever is moved in a thread."""
EXPRESSIONS = pytest.mark.parametrize("expression", [BOUNDED, UNBOUNDED], ids=["bounded", "unbounded"])
MACHINE = Machine(Environment())


def event(id_: str) -> dict[str, Any]:
    return {"specversion": "1.0", "id": id_, "source": "/test", "type": "go"}


def listening(expression: str) -> str:
    return HEAD + (
        f"do: [{{first: {{set: {{n: '{expression}'}}}}}},"
        f" {{wait: {{listen: {{to: {{one: {{with: {{type: go}}}}}}}}}}}},"
        f" {{last: {{set: {{n: '{expression}'}}}}}}]"
    )


def scheduled(expression: str) -> str:
    return HEAD + (
        "schedule: {on: {one: {with: {type: go}}}}\n"
        f"do: [{{first: {{set: {{n: '{expression}'}}, output: {{as: '{{n: 1}}'}}}}}}]"
    )


@EXPRESSIONS
@pytest.mark.parametrize("store", ["memory", "file"])
async def test_an_event_after_the_start_is_heard(expression: str, store: str, tmp_path: Path) -> None:
    async with Runtime(store="memory://" if store == "memory" else f"file://{tmp_path}/data") as runtime:
        assert runtime.deploy(listening(expression)).bounded == (expression == BOUNDED)
        handles = await asyncio.gather(*(runtime.start("test:it", {"n": 1}) for _ in range(20)))
        assert await runtime.publish(event("one"))
        for handle in handles:
            assert (await handle.result(20)).status == "completed"


@EXPRESSIONS
async def test_an_event_after_the_deployment_is_heard(expression: str, tmp_path: Path) -> None:
    ended: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    async with Runtime(store=f"file://{tmp_path}/data") as runtime:
        runtime.on_event(ended.put_nowait)
        runtime.deploy(scheduled(expression))
        assert await runtime.publish(event("one"))
        async with asyncio.timeout(20):
            while not (await ended.get())["type"].endswith("workflow.completed.v1"):
                pass


async def test_who_asks_meanwhile_gets_what_is_durable(tmp_path: Path) -> None:
    async with Runtime(store=f"file://{tmp_path}/data") as runtime:
        runtime.deploy(listening(UNBOUNDED))
        handles = [await runtime.start("test:it", {"n": number}) for number in range(10)]
        seen = await asyncio.gather(*(handle.describe() for handle in handles for _ in range(5)))
        assert {each["status"] for each in seen} <= {"running", "waiting"}
        await runtime.publish(event("one"))
        assert [(await handle.result(20)).output for handle in handles] == [{"n": 3}] * 10


def test_a_pending_instance_survives() -> None:
    instance = Instance("it", compiled({"set": {"n": 1}}), {})
    again = restore(Image.of(instance, MACHINE, 5.0).read(), instance.definition)
    assert again.status == PENDING
    MACHINE.advance(again, Tick(), 6.0)
    assert (again.status, again.output) == ("completed", {"n": 1})


def test_a_pending_instance_that_is_suspended_begins_when_resumed() -> None:
    instance = Instance("it", compiled({"set": {"n": 1}}), {})
    MACHINE.advance(instance, Suspend(), 5.0)
    assert instance.status == "suspended"
    MACHINE.advance(instance, Tick(), 6.0)
    assert instance.root is None
    MACHINE.advance(instance, Resume(), 7.0)
    assert (instance.status, instance.output) == ("completed", {"n": 1})
