"""EffectTask: a task that is one effect: its arguments are evaluated, the world does it, its outcome is the output."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flowrt.core.definition import WAIT, Done, Step, Task
from flowrt.core.effect import Effect, Outcome
from flowrt.core.instance import TaskState
from flowrt.core.machine import Machine
from flowrt.core.template import Template

Json = Any


class EffectTask(Task):
    """What it wants is evaluated when it begins, and anew after a restart."""

    effect_kind: str
    arguments: Template
    detached = False

    def enter(self, state: TaskState, machine: Machine) -> Step:
        state.wanted = self.effect(state, machine)
        state.wants_effect = True
        return WAIT

    def effect(self, state: TaskState, machine: Machine) -> Effect:
        definition = machine.instance.definition
        deadlines = [at for each in _upwards(state) if (at := each.timeout_at) is not None]
        return Effect(
            self.effect_kind,
            self.evaluated(state, machine),
            machine.instance.id,
            self.position,
            state.iteration,
            state.attempt,
            self.name,
            (definition.namespace, definition.name, definition.version),
            min(deadlines, default=None),
            self.detached,
            definition.base_uri,
            state.effect_key,
        )

    def evaluated(self, state: TaskState, machine: Machine) -> Json:
        """The arguments of the effect."""
        return machine.evaluate(self.arguments, state.data, state)

    def completed(self, state: TaskState, outcome: Outcome, machine: Machine) -> Step:
        return Done(state.data if self.detached else outcome.output)


def _upwards(state: TaskState | None) -> Iterator[TaskState]:
    while state is not None:
        yield state
        state = state.parent
