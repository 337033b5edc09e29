"""What the runtime does by itself goes on when the store is back: nobody else would try it again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flowrt import Runtime
from flowrt.runtime import insisting
from flowrt.stores.protocol import StoreUnavailable

HEAD = "document: {dsl: '1.0.3', namespace: test, name: %s, version: '1.0.0'}\n"
LISTENING = HEAD % "hears" + "do: [{wait: {listen: {to: {one: {with: {type: go}}}}}}]"
EMITTING = HEAD % "says" + "do: [{say: {emit: {event: {with: {type: go, source: /says}}}}}]"
PARENT = HEAD % "parent" + "do: [{ask: {run: {workflow: {namespace: test, name: child, version: '1.0.0'}}}}]"
CHILD = HEAD % "child" + "do: [{answer: {set: {n: 1}}}]"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(insisting, "AGAIN_S", 0.01)


def failing(call: Callable[..., Any], times: int) -> tuple[Callable[..., Any], Iterator[int]]:
    """The call, which cannot reach the store the first so many times; what is left of them."""
    left = iter(range(times))

    async def called(*arguments: Any) -> Any:
        if next(left, None) is not None:
            raise StoreUnavailable("the store of the test is away")
        return await call(*arguments)

    return called, left


async def test_an_emitted_event_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Runtime() as runtime:
        runtime.deploy(LISTENING)
        runtime.deploy(EMITTING)
        hears = await runtime.start("test:hears")
        seen, left = failing(runtime.assembly.store.seen, 3)
        monkeypatch.setattr(runtime.assembly.store, "seen", seen)
        await runtime.start("test:says")
        assert (await hears.result(10)).status == "completed"
        assert next(left, None) is None


async def test_a_sub_workflow_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Runtime() as runtime:
        runtime.deploy(PARENT)
        runtime.deploy(CHILD)
        load, left = failing(runtime.assembly.store.load, 3)
        monkeypatch.setattr(runtime.assembly.store, "load", load)
        parent = await runtime.start("test:parent")
        assert (await parent.result(10)).output == {"n": 1}
        assert next(left, None) is None
