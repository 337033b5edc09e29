"""Loading: brings instances from the store into memory, each once however many ask for it at the same time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from flowrt.core.records import BrokenRecord, Stored, restore
from flowrt.runtime.insisting import insist
from flowrt.runtime.running import Running
from flowrt.stores.protocol import BrokenEntry

if TYPE_CHECKING:
    from flowrt.runtime.worker import Worker


class Loading:
    """The instances of a worker that are on their way into memory."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._pending: dict[str, asyncio.Future[Running | None]] = {}

    async def running(self, id_: str) -> Running | None:
        """The instance in memory, loaded if need be; None when it does not exist, or cannot be read."""
        live = self._worker.live
        while True:
            found = live.get(id_)
            if found is not None:
                return found
            loading = self._pending.get(id_)
            if loading is None:
                loading = self._pending[id_] = asyncio.ensure_future(self._load(id_))
                loading.add_done_callback(lambda _: self._pending.pop(id_, None))
            loaded = await asyncio.shield(loading)
            if loaded is None or loaded.instance.ended:
                # Who waited for the same answer may have begun it meanwhile.
                return live.get(id_, loaded)
            if live.get(id_) is loaded:
                return loaded

    async def _load(self, id_: str) -> Running | None:
        worker = self._worker
        stored = await self._read(id_)
        if stored is None:
            return None
        digest = str(stored.head.get("digest"))
        definition = await insist(f"{id_}, which is to be loaded,", lambda: worker.definitions.pinned(digest))
        if definition is None:
            worker.lay_aside(id_, f"its definition ({digest}) is not there any more")
            return None
        try:
            instance = restore(stored, definition)
        except BrokenRecord as error:
            worker.lay_aside(id_, str(error))
            return None
        if instance.ended:
            return worker.live.get(id_) or Running(instance)
        return worker.admit(instance)

    async def _read(self, id_: str) -> Stored | None:
        stored = (await insist(f"{id_}, which is to be loaded,", lambda: self._worker.store.load([id_]))).get(id_)
        if isinstance(stored, BrokenEntry):
            self._worker.lay_aside(id_, stored.reason)
            return None
        return stored
