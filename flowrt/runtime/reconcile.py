"""Reconcile: the effects an instance is owed against those begun for it. Starts what is missing, cancels what is gone.

Only effects whose wanting is durable begin: commit, then act.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from flowrt.core.effect import Effect, Outcome
from flowrt.core.fault import Faulted
from flowrt.core.signal import Completed, Failed, Signal
from flowrt.runtime.children import CHILD_KIND, Children
from flowrt.runtime.clock import now
from flowrt.runtime.perform import Perform
from flowrt.runtime.running import Running

if TYPE_CHECKING:
    from flowrt.runtime.worker import Worker


class Effects:
    """The effects in flight of a worker's instances."""

    def __init__(self, worker: Worker, perform: Perform) -> None:
        self._worker, self._perform = worker, perform
        self.children = Children(worker)

    async def close(self, running: list[Running]) -> None:
        """Interrupts them all; what adapters can leave running for the next process they do."""
        await self._perform.close()
        tasks = [task for each in running for task in each.effects.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def reconcile(self, running: Running) -> None:
        """Starts the effects that are missing, cancels those that are gone."""
        worker, instance = self._worker, running.instance
        if running.busy or worker.stopping:
            return
        wanted = {state.effect_key: state for state in instance.effects_wanted()}
        for key in [key for key in running.effects if key not in wanted]:
            running.effects.pop(key).cancel()
        running.begun &= wanted.keys()
        self.children.cancel_gone(running, wanted)
        if instance.suspended or not running.durable - running.begun:
            return
        for effect in worker.machine.pending(instance, now()):
            if effect.key not in running.durable or effect.key in running.begun:
                continue
            running.begun.add(effect.key)
            if isinstance(effect, Failed):
                worker.deliver(instance.id, effect)
            else:
                self._start(running, effect)

    def _start(self, running: Running, effect: Effect) -> None:
        if effect.kind == CHILD_KIND:
            self.children.start(running, effect)
        elif effect.detached:
            self._worker.spawn(self._perform.detached(effect))
            self._worker.deliver(effect.instance, Completed(effect.key, Outcome(None)))
        else:
            running.effects[effect.key] = asyncio.create_task(self._carry_out(running, effect))

    async def _carry_out(self, running: Running, effect: Effect) -> None:
        signal: Signal
        try:
            signal = Completed(effect.key, await self._perform.run(effect))
        except Faulted as error:
            signal = Failed(effect.key, error.fault)
        if running.effects.get(effect.key) is asyncio.current_task():
            del running.effects[effect.key]
            self._worker.deliver(effect.instance, signal)
