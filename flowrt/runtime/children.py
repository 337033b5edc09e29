"""Sub-workflows: an effect like any other to the machine, an instance of its own to the worker.

A child's id follows from its parent's effect, so that starting it again finds it. Nothing waits in memory for it: its
end becomes a signal to the parent, and a restarted parent asks how far it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flowrt.core.definition import WorkflowDefinition
from flowrt.core.effect import Effect, Outcome
from flowrt.core.fault import Fault
from flowrt.core.instance import COMPLETED, Instance, TaskState
from flowrt.core.signal import Cancel, Completed, Failed, Signal
from flowrt.runtime.clock import derived_id
from flowrt.runtime.definitions import UnknownDefinition
from flowrt.runtime.insisting import insist

if TYPE_CHECKING:
    from flowrt.runtime.running import Running
    from flowrt.runtime.worker import Worker

CHILD_KIND = "workflow"
DEEPEST = 64
"""How many sub-workflows may stand within each other."""

EffectKey = tuple[str, int, int]


class Children:
    """Starts, finds and cancels the sub-workflows of a worker's instances."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def of(self, instance: Instance) -> dict[EffectKey, str]:
        """The children that an instance has waited for since its last commit."""
        return {
            state.effect_key: child_id(instance.id, state.effect_key)
            for state in instance.effects_wanted()
            if getattr(state.task, "effect_kind", None) == CHILD_KIND and not getattr(state.task, "detached", False)
        }

    def start(self, running: Running, effect: Effect) -> None:
        """Begins the sub-workflow of an effect, or finds the one already begun."""
        id_ = child_id(effect.instance, effect.key)
        if not effect.detached:
            running.children[effect.key] = id_
        # The parent waits for nothing else, so nobody else would try again.
        self._worker.spawn(insist(f"sub-workflow {id_}", lambda: self._start(effect, id_)))

    def cancel_gone(self, running: Running, wanted: Mapping[EffectKey, TaskState]) -> None:
        """Cancels the children whose effect is not wanted any more."""
        for key in [key for key in running.children if key not in wanted]:
            self._worker.deliver(running.children.pop(key), Cancel())

    async def _start(self, effect: Effect, id_: str) -> None:
        worker, arguments = self._worker, effect.arguments
        parent = None if effect.detached else (effect.instance, effect.key)
        known = await worker.running(id_)
        if known is None and id_ in worker.aside:
            fault = Fault.of("runtime", f"The sub-workflow {id_} is set aside: {worker.aside[id_]}")
            worker.deliver(effect.instance, Failed(effect.key, fault))
            return
        if known is not None:
            worker.release(known)
            if known.instance.ended and parent is not None:
                worker.deliver(effect.instance, child_signal(known.instance, effect.key))
        else:
            definition = await self._definition(arguments)
            refused = refusal(definition, arguments) or self._depth_fault(effect)
            if isinstance(definition, str) or refused is not None:
                refused = refused or Fault.of("configuration", str(definition))
                worker.deliver(effect.instance, Failed(effect.key, refused))
                return
            if not worker.excluded(definition):
                await worker.definitions.keep(definition)
            instance = Instance(id_, definition, arguments.get("input"))
            instance.depth = self._depth(effect) + 1
            await worker.begin(instance, parent)
        if effect.detached:
            worker.deliver(effect.instance, Completed(effect.key, Outcome(None)))

    async def _definition(self, arguments: Mapping[str, Any]) -> WorkflowDefinition | str:
        definitions = self._worker.definitions
        if "digest" in arguments:
            pinned = await definitions.pinned(arguments["digest"])
            if pinned is not None:
                return pinned
        try:
            return definitions.find(arguments["namespace"], arguments["name"], arguments.get("version"))
        except UnknownDefinition as error:
            return str(error)

    def _depth(self, effect: Effect) -> int:
        parent = self._worker.peek(effect.instance)
        return 0 if parent is None else parent.depth

    def _depth_fault(self, effect: Effect) -> Fault | None:
        if self._depth(effect) < DEEPEST:
            return None
        return Fault.of("runtime", f"More than {DEEPEST} sub-workflows stand within each other.")


def child_id(instance: str, key: EffectKey) -> str:
    """The id of the sub-workflow of an effect."""
    return derived_id(instance, key[0], str(key[1]), str(key[2]))


def refusal(definition: WorkflowDefinition | str, arguments: Mapping[str, Any]) -> Fault | None:
    """Why an input may not start a definition: it breaks the schema."""
    if isinstance(definition, str) or definition.root.input_schema is None:
        return None
    wrong = definition.root.input_schema(arguments.get("input"))
    return None if wrong is None else Fault.of("validation", f"The input of {definition.id} breaks its schema: {wrong}")


def child_signal(child: Instance, key: EffectKey) -> Signal:
    """What the end of a sub-workflow is to the task that waits for it."""
    if child.status == COMPLETED:
        return Completed(key, Outcome(child.output))
    if child.error is not None:
        return Failed(key, child.error)
    return Failed(key, Fault.of("runtime", f"The sub-workflow {child.id} was cancelled."))
