"""Starting instances: one, many in one commit, or one that goes on from where another stood."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flowrt.core.definition import WorkflowDefinition
from flowrt.core.fault import Faulted
from flowrt.core.instance import WORKFLOW, Instance
from flowrt.runtime.children import refusal
from flowrt.runtime.clock import derived_id, new_id
from flowrt.runtime.definitions import Definitions
from flowrt.runtime.forking import NeverThere, place
from flowrt.runtime.perform import require_json
from flowrt.runtime.refusals import Conflict, InvalidInput, missing
from flowrt.runtime.worker import Worker
from flowrt.stores.protocol import Store

Json = Any


class Starting:
    """Begins instances of an application."""

    def __init__(self, store: Store, worker: Worker, definitions: Definitions, application: str) -> None:
        self.store, self.worker, self.definitions, self.application = store, worker, definitions, application
        self._batches = asyncio.Lock()

    async def start(
        self,
        definition: WorkflowDefinition,
        input: Json = None,
        id: str | None = None,
        tags: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> Instance:
        """Starts an instance; returns when that is durable. The same id or idempotency key again gives the first one.

        Raises `InvalidInput` when the input breaks the schema (nothing is started), `Conflict` for an id set aside.
        """
        if id is None and idempotency_key is not None:
            id = derived_id(self.application, definition.namespace, definition.name, idempotency_key)
        data = {} if input is None else input
        if id is None:
            _refuse(definition, data)
        if not self.worker.excluded(definition):
            await self.definitions.keep(definition)
        if id is not None:
            if (known := await self._begun(id)) is not None:
                return known
            # No turn of the event loop between this answer and `begin`: two starts with one id must not both begin.
            _refuse(definition, data)
        instance = _instance(id or new_id(), definition, data, tags)
        await self.worker.begin(instance)
        return instance

    async def _begun(self, id: str) -> Instance | None:
        """The instance of that id, when its start is durable; None if there is none."""
        known = await self.worker.running(id)
        if known is None:
            if id in self.worker.aside:
                raise Conflict(f"{id} is set aside: {self.worker.aside[id]}")
            return None
        if not known.instance.ended or self.worker.peek(id) is not None:
            await self.worker.durable(known)
            self.worker.release(known)
        return known.instance

    async def start_all(
        self,
        definition: WorkflowDefinition,
        inputs: Sequence[Json],
        tags: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> list[str]:
        """Starts one instance for each input, all in one commit; their ids. Raises `InvalidInput`: none is started."""
        for number, data in enumerate(inputs):
            _refuse(definition, data, f"Input {number}: ")
        if not self.worker.excluded(definition):
            await self.definitions.keep(definition)
        if idempotency_key is None:
            ids, missing = [new_id() for _ in inputs], set(range(len(inputs)))
            return await self._begin_all(definition, ids, inputs, missing, tags)
        place = (self.application, definition.namespace, definition.name, idempotency_key)
        ids = [derived_id(*place, str(number)) for number in range(len(inputs))]
        async with self._batches:
            missing = {number for number, id in enumerate(ids) if await self._begun(id) is None}
            return await self._begin_all(definition, ids, inputs, missing, tags)

    async def _begin_all(
        self,
        definition: WorkflowDefinition,
        ids: list[str],
        inputs: Sequence[Json],
        missing: set[int],
        tags: Mapping[str, str] | None,
    ) -> list[str]:
        instances = [_instance(ids[n], definition, inputs[n], tags) for n in sorted(missing)]
        await self.worker.begin_all(instances)
        return ids

    async def fork(
        self, id: str, position: str | None = None, new: str | None = None, tags: Mapping[str, str] | None = None
    ) -> Instance:
        """Starts a new instance where another one stood before a task of its workflow's own list; returns when durable.

        It has the other's definition and input, and calls with keys of its own. Raises `UnknownInstance`, `Conflict`.
        """
        running = await self.worker.running(id)
        if running is None:
            raise missing(self.worker.aside, id)
        origin = running.instance
        if running.volatile:
            raise Conflict(f"{id} is kept in memory only (persistence.exclude-workflows): it has no history to go by")
        await self.worker.durable(running)
        history = await self.store.history(id)
        self.worker.release(running)
        try:
            at = place(origin, history, position)
        except NeverThere as error:
            raise Conflict(str(error)) from None
        # Nor is there a turn of the event loop between this answer and `begin`.
        if new is not None and await self._begun(new) is not None:
            raise Conflict(f"there is an instance {new} already")
        instance = _instance(new or new_id(), origin.definition, origin.input, tags)
        await self.worker.begin(instance, at=at)
        return instance


def _refuse(definition: WorkflowDefinition, data: Json, where: str = "") -> None:
    try:
        require_json(data, "The input")
    except Faulted as error:
        raise InvalidInput(error.fault) from None
    fault = refusal(definition, {"input": data})
    if fault is not None:
        raise InvalidInput(replace(fault, detail=f"{where}{fault.detail}"))


def _instance(id: str, definition: WorkflowDefinition, data: Json, tags: Mapping[str, str] | None) -> Instance:
    instance = Instance(id, definition, data, WORKFLOW)
    if tags:
        instance.tags = {**instance.tags, **tags}
    return instance
