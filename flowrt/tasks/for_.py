"""`for`: the tasks of a list, once for each item."""

from __future__ import annotations

from typing import Any

from flowrt.core.dataflow import truth
from flowrt.core.definition import Done, Run, Step
from flowrt.core.fault import Fault
from flowrt.core.instance import TaskState
from flowrt.core.machine import Machine
from flowrt.core.reader import Reader
from flowrt.core.template import Template
from flowrt.tasks.common import TaskList, connect


class For(TaskList):
    """First input is its own; each next is the output before. `memory` is the index; `fixed` the items ("For")."""

    kind = "for"
    counts_rounds = True
    items: Template
    condition_: Template | None = None

    @classmethod
    def parse(cls, reader: Reader) -> For:
        task = cls()
        settings = reader.at(reader.value["for"], "for").object(("each", "in", "at"), required=("in",))
        each, at, items = settings.get("each"), settings.get("at"), settings.get("in")
        task.binds = (each.string() if each else "item", at.string() if at else "index")
        task.items = items.expression() if items is not None else (lambda data, lookup: None)
        inside = reader.binding(*task.binds)
        if (condition := inside.get("while")) is not None:
            task.condition_ = condition.expression()
        body = inside.get("do")
        if body is None:
            reader.problem("the required property 'do' is missing", "Add 'do' with the tasks to repeat.")
        task.body = body.tasks() if body is not None else ()
        connect(task, task.body)
        return task

    def enter(self, state: TaskState, machine: Machine) -> Step:
        items = machine.evaluate(self.items, state.data, state)
        if items is None:
            return Done(state.data)
        if not isinstance(items, list):
            return Fault.of("expression", f"'for.in' must give an array, found {type(items).__name__}.")
        state.fixed, state.memory = items, -1
        return self._next(state, state.data, machine)

    def over(self, state: TaskState, child: TaskState, output: Any, machine: Machine) -> Step:
        return self._next(state, output, machine)

    def variable(self, state: TaskState, name: str) -> Any:
        if state.memory is None or not 0 <= state.memory < len(state.fixed):
            return None
        # With both names alike the item stands.
        return state.fixed[state.memory] if name == self.binds[0] else state.memory

    def _next(self, state: TaskState, data: Any, machine: Machine) -> Step:
        state.memory += 1
        if state.memory >= len(state.fixed):
            return Done(data)
        if self.condition_ is not None and not truth(machine.evaluate(self.condition_, data, state)):
            return Done(data)
        machine.new_round(state)
        return Run(self.body[0], data)
