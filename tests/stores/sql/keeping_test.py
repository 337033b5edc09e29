"""The first starts of a definition store it once, whoever comes first; an error reaches all, and only once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from flowrt.compiler import compile_text
from flowrt.core.definition import WorkflowDefinition
from flowrt.runtime.definitions import Definitions
from flowrt.stores.protocol import Definition, StoreUnavailable
from flowrt.stores.sql import SqlStore
from flowrt.testing.play import languages

_TEXT = "document: {dsl: 1.0.3, namespace: shop, name: order, version: 1.0.0}\ndo:\n- a: {set: {n: 1}}\n"


class Counted(SqlStore):
    """Counts what is put."""

    def __init__(self, path: Path) -> None:
        of = SqlStore.from_url(f"sqlite:///{path}/flowrt.db", "orders")
        super().__init__(of.settings, "orders")
        self.puts = 0

    async def put_definition(self, definition: Definition) -> None:
        self.puts += 1
        await super().put_definition(definition)


async def fetch(_wanted: list[tuple[str, object]], _base: str | None) -> dict[str, bytes]:
    raise AssertionError("nothing is fetched here")


@pytest.fixture
def definition() -> WorkflowDefinition:
    return compile_text(_TEXT, languages())


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Counted]:
    store = Counted(tmp_path)
    await store.open()
    yield store
    await store.close()


async def test_it_is_stored_once(store: Counted, definition: WorkflowDefinition) -> None:
    definitions = Definitions(store, lambda _resources: languages(), fetch)
    await asyncio.gather(*(definitions.keep(definition) for _ in range(64)))
    await definitions.keep(definition)
    assert store.puts == 1
    assert await store.definition(definition.digest) is not None


async def test_an_error_reaches_all_and_is_forgotten(store: Counted, definition: WorkflowDefinition) -> None:
    definitions = Definitions(store, lambda _resources: languages(), fetch)
    await store.close()
    failed = await asyncio.gather(*(definitions.keep(definition) for _ in range(8)), return_exceptions=True)
    assert all(isinstance(each, StoreUnavailable) for each in failed)
    await store.open()
    await definitions.keep(definition)
    assert await store.definition(definition.digest) is not None


async def test_one_that_gives_up_does_not_stop_the_others(store: Counted, definition: WorkflowDefinition) -> None:
    definitions = Definitions(store, lambda _resources: languages(), fetch)
    first, second = (asyncio.create_task(definitions.keep(definition)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await second
    assert first.cancelled()
    assert store.puts == 1


async def test_what_was_deployed_stays_so(store: Counted, definition: WorkflowDefinition) -> None:
    before = Definitions(store, lambda _resources: languages(), fetch)
    await asyncio.gather(before.keep(definition), before.keep(definition, deployed=True))
    after_a_restart = Definitions(store, lambda _resources: languages(), fetch)
    await after_a_restart.keep(definition)
    assert [each.digest for each in await store.deployed()] == [definition.digest]
    await after_a_restart.keep(definition, deployed=False)
    assert await store.deployed() == []
