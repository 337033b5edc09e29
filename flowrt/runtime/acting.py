"""Acting: what follows from a checkpoint, once it is durable. Nothing is told or done before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowrt.core.instance import CANCELLED, COMPLETED, FAULTED, Fact, Instance
from flowrt.runtime.checkpoint import take_checkpoint
from flowrt.runtime.clock import now
from flowrt.runtime.running import EffectKey, Running
from flowrt.stores.protocol import Checkpoint

if TYPE_CHECKING:
    from flowrt.runtime.worker import Worker


class Acting:
    """Takes checkpoints of a worker's instances, and acts when they are covered by a commit."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._facts: dict[str, list[Fact]] = {}
        """What the checkpoints being written tell, by instance."""
        self._wanted: dict[str, set[EffectKey]] = {}
        """Effects that the checkpoints being written want, by instance."""

    def checkpoint(self, instance: Instance) -> Checkpoint:
        """What is to be written of an instance."""
        checkpoint = take_checkpoint(instance, self._worker.machine, now())
        self._wanted[instance.id] = {state.effect_key for state in instance.effects_wanted()}
        if instance.facts:
            self._facts.setdefault(instance.id, []).extend(instance.facts)
            instance.facts = []
        return checkpoint

    def covered(self, instance: Instance, checkpoint: Checkpoint) -> None:
        """Everything in the checkpoint is durable: acts. An instance that breaks at it is set aside."""
        try:
            self._tell(instance, checkpoint)
            self._act(instance, checkpoint)
        except Exception as error:
            self._worker.set_aside(Running(instance), error)

    def _tell(self, instance: Instance, checkpoint: Checkpoint) -> None:
        # What it emitted before what happened to it: the last one hears of it is that it has ended.
        for event in checkpoint.outbox:
            self._worker.on_emitted(event, instance.id)
        facts = self._facts.pop(instance.id, None) or (instance.facts if instance.facts else None)
        if facts and self._worker.on_facts is not None:
            if instance.facts is facts:
                instance.facts = []
            self._worker.on_facts(instance, facts)

    def _act(self, instance: Instance, checkpoint: Checkpoint) -> None:
        wanted = self._wanted.pop(instance.id, None)
        running = self._worker.live.get(instance.id)
        if running is None or running.instance is not instance:
            return
        durable = {state.effect_key for state in instance.effects_wanted()} if wanted is None else wanted
        self._worker.reconcile(running, durable)
        if checkpoint.entry.status in (COMPLETED, FAULTED, CANCELLED) and instance.ended:
            self._worker.ended(running)
        else:
            self._worker.rest(running)
