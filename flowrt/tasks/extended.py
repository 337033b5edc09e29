"""Extensions: tasks before and after another one (dsl-reference.md, "Extension")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flowrt.core import dataflow
from flowrt.core.dataflow import truth
from flowrt.core.definition import EXIT, Done, Run, Step, Task, following
from flowrt.core.instance import TaskState
from flowrt.core.machine import Machine
from flowrt.core.reader import Reader
from flowrt.core.template import Template
from flowrt.tasks.common import connect, place

Json = Any
TARGETS = ("call", "composite", "emit", "for", "listen", "raise", "run", "set", "switch", "try", "wait", "all")
COMPOSITES = ("do", "for", "fork", "try")


class Extended(Task):
    """Wraps the task it extends, at the same position, and leaves no record of its own.

    The tasks before and after see the data and pass nothing on; `exit` before it ends the extended task instead of
    running it, with their output as its own raw one. `memory`: the output of the extended task and its directive.
    """

    hidden = True
    when: Template | None = None
    before: tuple[Task, ...] = ()
    after: tuple[Task, ...] = ()
    inner: Task

    @classmethod
    def around(cls, inner: Task, reader: Reader, name: str, extension: Reader) -> Extended:
        """The extension `extension` (under `use.extensions`) of a task read at `reader`."""
        task = cls()
        place(task, reader, inner.name, inner.index, key=f"{inner.key}/extensions/{name}")
        task.kind = inner.kind  # type: ignore[misc]  # what an outer extension sees
        task.then, task.outcomes = inner.then, inner.outcomes
        task.inner = inner
        task.condition, inner.condition = inner.condition, None
        task.plain_entry = task.condition is None
        inside = reader.at(extension.value)
        inside.position, inside.siblings = extension.position, {}
        inside.task_position = inside.task_key = f"{reader.task_key}/extensions/{name}"
        if (when := inside.get("when")) is not None:
            task.when = when.expression()
        if (before := inside.get("before")) is not None:
            task.before = before.tasks()
        if (after := inside.get("after")) is not None:
            task.after = after.tasks()
        connect(task, task.before, task.after)
        task.children = (*task.before, inner, *task.after)
        return task

    def layers(self) -> Sequence[Task]:
        return (self, *self.inner.layers())

    def enter(self, state: TaskState, machine: Machine) -> Step:
        if self.when is not None and not truth(machine.evaluate(self.when, state.data, state)):
            state.memory = {"skip": True}
            return Run(self.inner, state.data)
        state.memory = {"skip": False}
        if self.counts_rounds:
            machine.new_round(state)
        return Run(self.before[0] if self.before else self.inner, state.data)

    def resume(self, state: TaskState, child: TaskState, output: Json, then: int, machine: Machine) -> Step:
        if child.task is self.inner:
            return self._inner_done(state, output, then, machine)
        if then == EXIT and child.task in self.before:
            return Done(self._instead(state, output, machine), self.then)
        if 0 <= then <= child.task.index:
            machine.new_round(state)
        task = following(child.task, then) if then != EXIT else None
        if task is not None:
            return Run(task, output)
        if child.task in self.before:
            return Run(self.inner, state.data)
        return Done(state.memory["output"], state.memory["then"])

    def _instead(self, state: TaskState, output: Json, machine: Machine) -> Json:
        """What the extended task would make of this raw output."""
        return dataflow.leave(TaskState(self.layers()[-1], state, state.data), output, machine)

    def _inner_done(self, state: TaskState, output: Json, then: int, machine: Machine) -> Step:
        if state.memory["skip"] or not self.after:
            return Done(output, then)
        state.memory = {"skip": False, "output": output, "then": then}
        machine.touch(state)
        return Run(self.after[0], output)


def extends(target: str, task: Task) -> bool:
    """Whether an extension of this target applies to a task."""
    return target in ("all", task.kind) or (target == "composite" and task.kind in COMPOSITES)
