"""Schedules: each is an instance of its own, which lives as long as its definition is served."""

from __future__ import annotations

from dataclasses import replace

from flowrt.core.definition import WorkflowDefinition
from flowrt.core.instance import ENDED, SCHEDULE, Instance
from flowrt.core.signal import Cancel
from flowrt.runtime.definitions import Definitions
from flowrt.runtime.worker import Worker
from flowrt.stores.protocol import Query, Store

PAGE = 1000


class Schedules:
    """Begins and ends the schedules of definitions."""

    def __init__(self, store: Store, worker: Worker, definitions: Definitions) -> None:
        self._store, self._worker, self._definitions = store, worker, definitions

    async def begin(self, definition: WorkflowDefinition) -> None:
        """Begins the schedule of a definition that has one, unless it goes on already."""
        if definition.schedule is None:
            return
        id_ = schedule_id(definition)
        if await self._worker.running(id_) is not None:
            return
        await self._definitions.keep(definition)
        await self._worker.begin(Instance(id_, definition, {}, SCHEDULE))

    async def end(self, definition: WorkflowDefinition) -> None:
        """Ends the schedule of a definition that is served no more."""
        if definition.schedule is not None:
            await self._end(schedule_id(definition))

    async def end_lost(self) -> None:
        """Ends the schedules of definitions that are served no more: their file went while no process ran."""
        served = {definition.digest for definition in self._definitions.all()}
        query: Query | None = Query(role=SCHEDULE, limit=PAGE)
        lost: list[str] = []
        while query is not None:
            page = await self._store.find(query)
            lost += [entry.id for entry in page.items if entry.digest not in served and entry.status not in ENDED]
            query = replace(query, cursor=page.next) if page.next is not None else None
        for id_ in lost:
            await self._end(id_)

    async def _end(self, id_: str) -> None:
        if await self._worker.command(id_, Cancel()) is not None:
            await self._store.delete([id_])


def schedule_id(definition: WorkflowDefinition) -> str:
    """The id of the schedule of a definition."""
    return f"schedule:{definition.id}:{definition.digest[:12]}"
