"""Forks: a new instance goes on from where another one stood, on every kind of store, and leaves the other alone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from flowrt import Conflict, Runtime, UnknownInstance
from flowrt.config.model import Config, Persistence

HEAD = "document: {dsl: '1.0.3', namespace: test, name: it, version: '1.0.0'}\n"
STEPS = HEAD + (
    "do:\n"
    "- first: {call: count, with: {name: first}, export: {as: '{saw: .}'}}\n"
    "- second: {call: count, with: {name: second}}\n"
    "- third: {set: {got: '${ . }', saw: '${ $context.saw }'}}\n"
)
LISTENING = HEAD + "do: [{a: {set: {n: 1}}}, {hear: {listen: {to: {one: {with: {type: go}}}}}}]"


@pytest.fixture(params=["memory", "file", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/flowrt.db?migrateAtStart=true"
    return "memory://" if request.param == "memory" else f"file://{tmp_path}/data"


def counting(runtime: Runtime) -> dict[str, int]:
    counts: dict[str, int] = {}

    @runtime.function("count")
    def count(name: str) -> list[str | int]:
        counts[name] = counts.get(name, 0) + 1
        return [name, counts[name]]

    return counts


async def test_only_what_comes_after_runs_again(store: str) -> None:
    async with Runtime(store=store) as runtime:
        counts = counting(runtime)
        runtime.deploy(STEPS)
        origin = await runtime.start("test:it", {"n": 1})
        assert (await origin.result(10)).output == {"got": ["second", 1], "saw": ["first", 1]}
        forked = await origin.fork("/do/1/second")
        assert (await forked.result(10)).output == {"got": ["second", 2], "saw": ["first", 1]}
        assert counts == {"first": 1, "second": 2}
        again = await forked.fork("/do/2/third", id="again")
        assert again.id == "again"
        assert (await again.result(10)).output == {"got": ["second", 2], "saw": ["first", 1]}
        anew = await origin.fork()
        assert (await anew.result(10)).output == {"got": ["second", 3], "saw": ["first", 2]}


async def test_a_fork_of_one_that_waits_waits_too(store: str) -> None:
    async with Runtime(store=store) as runtime:
        runtime.deploy(LISTENING)
        origin = await runtime.start("test:it")
        forked = await origin.fork()
        await origin.cancel()
        assert await runtime.publish({"specversion": "1.0", "id": "1", "source": "/t", "type": "go", "data": 7})
        assert (await forked.result(10)).output == [7]


async def test_it_is_as_durable_as_a_start(tmp_path: Path) -> None:
    url = f"file://{tmp_path}/data"
    async with Runtime(store=url) as runtime:
        runtime.deploy(LISTENING)
        origin = await runtime.start("test:it")
        forked = await origin.fork("/do/1/hear")
    async with Runtime(store=url) as runtime:
        assert await runtime.publish({"specversion": "1.0", "id": "1", "source": "/t", "type": "go", "data": 7})
        assert (await runtime.handle(forked.id).result(10)).output == [7]


async def test_what_cannot_be_forked() -> None:
    excluded = Config(persistence=Persistence(exclude_workflows=("test:volatile",)))
    async with Runtime(config=excluded) as runtime:
        counting(runtime)
        runtime.deploy(STEPS)
        runtime.deploy(LISTENING.replace("name: it", "name: volatile"))
        origin = await runtime.start("test:it")
        await origin.result(10)
        with pytest.raises(Conflict, match="has not run /do/7/x; it has run /do/0/first, /do/1/second, /do/2/third"):
            await origin.fork("/do/7/x")
        with pytest.raises(Conflict, match=r"there is an instance [^ ]+ already"):
            await origin.fork("/do/1/second", id=origin.id)
        with pytest.raises(UnknownInstance):
            await runtime.handle("nobody").fork()
        volatile = await runtime.start("test:volatile")
        with pytest.raises(Conflict, match="kept in memory only"):
            await volatile.fork()


async def test_of_two_forks_with_one_id_one_begins(store: str) -> None:
    async with Runtime(store=store) as runtime:
        runtime.deploy(LISTENING)
        origin = await runtime.start("test:it")
        forks = await asyncio.gather(*(origin.fork(id="twice") for _ in range(2)), return_exceptions=True)
        assert [type(each) for each in forks].count(Conflict) == 1
