"""`flowrt store copy`, `export` and `import`: what stood in one store goes on in another, of whatever kind."""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flowrt import Runtime
from flowrt.assemble import make_store
from flowrt.cli import store as verbs
from flowrt.config.model import Config, Storage
from flowrt.stores.protocol import Batch, Store

HEAD = "document: {{dsl: '1.0.3', namespace: test, name: {name}, version: '1.0.0'}}\n"
STEPS = HEAD.format(name="steps") + (
    "do: [{a: {set: {n: '${ .n + 1 }'}, export: {as: '{seen: .n}'}}}, {b: {set: {n: '${ .n * 10 }'}}}]"
)
HEARING = HEAD.format(name="hearing") + (
    "do: [{a: {set: {n: 1}}}, {hear: {listen: {to: {one: {with: {type: go, subject: '${ $workflow.input.who }'}}}}}}]"
)
FAILING = HEAD.format(name="failing") + "do: [{a: {set: {n: 1}}}, {fail: {call: sometimes}}]"
GO = {"specversion": "1.0", "source": "/test", "type": "go"}
UNSENT = {"specversion": "1.0", "id": "unsent", "source": "/test", "type": "told", "data": {"n": "naïve"}}
_names = itertools.count()


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """The URL of an empty store of a kind."""

    def made(kind: str) -> str:
        number = next(_names)
        if kind == "file":
            return f"file://{tmp_path}/store{number}"
        if kind == "sqlite":
            return f"sqlite:///{tmp_path}/{number}.db?migrateAtStart=true"
        server: Any = request.getfixturevalue({"postgresql": "postgres_server", "redis": "redis_server"}[kind])
        if kind == "postgresql":
            return f"{server.url}?schema=moving_{number}&migrateAtStart=true"
        return f"{server.url.rsplit('/', 1)[0]}/{number % 16}"

    return made


def flowrt(*arguments: str, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "flowrt", "store", *arguments]
    return subprocess.run(command, input=given, capture_output=True, timeout=120)


def runtime_on(url: str) -> Runtime:
    runtime = Runtime(store=None, config=Config(storage=Storage(url=url)))

    @runtime.function("sometimes")
    def sometimes() -> int:
        if not well:
            raise RuntimeError("not yet")
        return 7

    return runtime


well: list[bool] = []


async def opened(url: str) -> Store:
    store = make_store(Config(storage=Storage(url=url)))
    await store.open()
    return store


async def filled(url: str) -> dict[str, str]:
    """Instances of all kinds, by what they are; a mark, and an event in the outbox."""
    well.clear()
    async with runtime_on(url) as runtime:
        for text in (STEPS, HEARING, FAILING):
            runtime.deploy(text)
        steps = await runtime.start("test:steps", {"n": 1})
        await steps.result(10)
        heard = await runtime.start("test:hearing", {"who": "ada"})
        waiting = await runtime.start("test:hearing", {"who": "bob"}, tags={"customer": "b"})
        failing = await runtime.start("test:failing")
        await failing.result(10)
        assert await runtime.publish({**GO, "id": "1", "subject": "ada", "data": 5})
        await heard.result(10)
    store = await opened(url)
    token = await store.acquire("test", 60)
    assert token is not None
    await store.commit(Batch(outbox=[UNSENT]), token)
    await store.release(token)
    await store.close()
    return {"steps": steps.id, "heard": heard.id, "waiting": waiting.id, "failing": failing.id}


async def goes_on(url: str, ids: dict[str, str]) -> None:
    store = await opened(url)
    assert await store.outbox() == [UNSENT]
    assert [record["name"] for record in await store.history(ids["steps"])] == ["a", "b"]
    await store.close()
    well.append(True)
    async with runtime_on(url) as runtime:
        assert (await runtime.handle(ids["steps"]).result(10)).output == {"n": 20}
        assert not await runtime.publish({**GO, "id": "1", "subject": "bob", "data": 6})
        assert await runtime.publish({**GO, "id": "2", "subject": "bob", "data": 6})
        assert (await runtime.handle(ids["waiting"]).result(10)).output == [6]
        await runtime.handle(ids["failing"]).retry()
        assert (await runtime.handle(ids["failing"]).result(10)).output == 7


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("file", "sqlite"),
        ("sqlite", "file"),
        ("file", "postgresql"),
        ("postgresql", "redis"),
        ("redis", "file"),
    ],
)
def test_what_stood_in_one_goes_on_in_the_other(place: Any, one: str, other: str) -> None:
    source, target = place(one), place(other)
    ids = asyncio.run(filled(source))
    done = flowrt("copy", "--from", source, "--to", target, "--verify")
    assert (done.returncode, done.stdout.decode()) == (0, "copied 4 instances, verified\n"), done.stderr.decode()
    asyncio.run(goes_on(target, ids))


def test_lines_out_of_one_and_into_another(place: Any) -> None:
    source, target = place("file"), place("sqlite")
    ids = asyncio.run(filled(source))
    lines = flowrt("export", "--store", source).stdout
    kinds = [next(iter(json.loads(line))) for line in lines.splitlines()]
    assert sorted(kinds) == ["accepted", *["definition"] * 3, "event", *["instance"] * 4]
    done = flowrt("import", "--store", target, given=lines)
    assert (done.returncode, done.stdout.decode()) == (0, "imported 4 instances\n"), done.stderr.decode()
    asyncio.run(goes_on(target, ids))


def test_what_is_there_already_is_not_overwritten(place: Any) -> None:
    source, target = place("file"), place("sqlite")
    asyncio.run(filled(source))
    assert flowrt("copy", "--from", source, "--to", target).returncode == 0
    again = flowrt("copy", "--from", source, "--to", target)
    assert again.returncode == 2
    assert "is there already; move into an empty store" in again.stderr.decode()


def test_what_is_no_line_is_refused(place: Any) -> None:
    for given, said in ((b'{"thing": 1}\n', "found thing"), (b"nonsense\n", "")):
        done = flowrt("import", "--store", place("file"), given=given)
        assert done.returncode == 2
        assert said in done.stderr.decode()
        assert "Traceback" not in done.stderr.decode()


def test_a_store_that_a_server_owns_is_left_alone(place: Any) -> None:
    target = place("sqlite")

    async def held() -> subprocess.CompletedProcess[bytes]:
        store = await opened(target)
        assert await store.acquire("a server", 60) is not None
        try:
            return await asyncio.to_thread(flowrt, "import", "--store", target, given=b"")
        finally:
            await store.close()

    done = asyncio.run(held())
    assert done.returncode == 3
    assert "a server owns this store; stop it first" in done.stderr.decode()


async def test_a_verb_owns_the_store_for_as_long_as_it_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verbs, "LEASE_S", 0.3)
    url = f"sqlite:///{tmp_path}/owned.db?migrateAtStart=true"
    async with verbs.opened(url, "default") as assembly, verbs.opened(url, "default") as other:
        async with verbs.owned(assembly):
            for _ in range(10):
                await asyncio.sleep(0.1)
                assert await other.store.acquire("a server", 60) is None
        assert await other.store.acquire("a server", 60) is not None
