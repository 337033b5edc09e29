"""`flowrt store check`: what nothing would ever wake, cannot be read, or belongs to nobody; and what it repairs."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flowrt import Runtime
from flowrt.assemble import make_store
from flowrt.config.model import Config, Storage
from flowrt.core.records import Stored
from flowrt.stores.protocol import Batch, Checkpoint, Entry, Store

HEAD = "document: {{dsl: '1.0.3', namespace: test, name: {name}, version: '1.0.0'}}\n"
HEARING = HEAD.format(name="hearing") + "do: [{hear: {listen: {to: {one: {with: {type: go}}}}}}]"
PARENT = HEAD.format(name="parent") + (
    "do: [{child: {run: {workflow: {namespace: test, name: hearing, version: '1.0.0'}}}}]"
)
GO = {"specversion": "1.0", "id": "1", "source": "/test", "type": "go", "data": 7}


@pytest.fixture(params=["file", "sqlite"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return {"file": f"file://{tmp_path}/store", "sqlite": f"sqlite:///{tmp_path}/flowrt.db?migrateAtStart=true"}[
        request.param
    ]


def check(url: str, *options: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "flowrt", "store", "check", "--store", url, *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout


def runtime_on(url: str) -> Runtime:
    runtime = Runtime(store=None, config=Config(storage=Storage(url=url)))
    runtime.deploy(HEARING)
    runtime.deploy(PARENT)
    return runtime


async def waiting(url: str, workflow: str = "test:hearing") -> str:
    """The id of an instance that waits, itself or within a sub-workflow, for the event."""
    async with runtime_on(url) as runtime, asyncio.timeout(10):
        handle = await runtime.start(workflow)
        while not runtime.assembly.worker.index.matches(GO):
            await asyncio.sleep(0.01)
        return handle.id


async def changed(url: str, work: Callable[[Store, int], Awaitable[Any]]) -> None:
    """Does something to a store that flowrt itself would not do."""
    store = make_store(Config(storage=Storage(url=url)))
    await store.open()
    token = await store.acquire("test", 60)
    assert token is not None
    await work(store, token)
    await store.release(token)
    await store.close()


async def written(store: Store, token: int, id: str, head: dict[str, Any] | None = None, **parts: Any) -> None:
    """Writes a later revision of an instance, all the same but for some parts."""
    stored = (await store.load([id]))[id]
    entry: Entry = next(each for each, _ in await store.unfinished() if each.id == id)
    assert isinstance(stored, Stored)
    revision = stored.head["revision"] + 1
    now = {**stored.head, "revision": revision, **(head or {})}
    await store.commit(Batch([Checkpoint(replace(entry), revision, now, **parts)]), token)


def test_nothing_is_wrong(url: str) -> None:
    asyncio.run(waiting(url))
    assert check(url) == (0, "nothing is wrong\n")


def test_a_listener_that_the_index_forgot_is_found_and_listens_again(url: str) -> None:
    id = asyncio.run(waiting(url))
    asyncio.run(changed(url, lambda store, token: written(store, token, id, subscriptions=[])))
    assert check(url) == (
        1,
        f"{id}: the index does not say what the record says (write it anew)\nin need of a hand: 1 instance\n",
    )
    assert check(url, "--repair") == (
        0,
        f"{id}: the index does not say what the record says (repaired)\nnothing is wrong\n",
    )

    async def heard() -> Any:
        async with runtime_on(url) as runtime:
            assert await runtime.publish(GO)
            return (await runtime.handle(id).result(10)).output

    assert asyncio.run(heard()) == [7]


def test_what_nothing_will_wake_is_cancelled(url: str) -> None:
    id = asyncio.run(waiting(url))

    async def lost(store: Store, token: int) -> None:
        stored = (await store.load([id]))[id]
        assert isinstance(stored, Stored)
        listener = next(key for key, _, moving in stored.live if moving.get("listening"))
        await written(store, token, id, live={listener: None}, subscriptions=[])

    asyncio.run(changed(url, lost))
    assert check(url)[0] == 1
    code, said = check(url, "--repair")
    assert (code, said) == (0, f"{id}: nothing will ever wake it (repaired)\nnothing is wrong\n")
    assert check(url) == (0, "nothing is wrong\n")


def test_a_child_whose_parent_is_gone_is_cancelled(url: str) -> None:
    parent = asyncio.run(waiting(url, "test:parent"))
    asyncio.run(changed(url, lambda store, token: store.delete([parent])))
    code, said = check(url)
    assert code == 1
    assert f"its parent {parent} is gone or has ended (cancel it)" in said
    assert check(url, "--repair")[0] == 0
    assert check(url) == (0, "nothing is wrong\n")


def test_a_record_that_cannot_be_read_is_named_and_left(url: str) -> None:
    id = asyncio.run(waiting(url))
    asyncio.run(changed(url, lambda store, token: written(store, token, id, {"format": 99})))
    for options in ((), ("--repair",)):
        code, said = check(url, *options)
        assert code == 1
        assert f"{id}: the record has format 99, this version reads 1 (restore it from a backup, or delete it)" in said
