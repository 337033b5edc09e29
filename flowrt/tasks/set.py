"""`set`: replaces the data."""

from __future__ import annotations

from flowrt.core.definition import Done, Step, Task
from flowrt.core.instance import TaskState
from flowrt.core.machine import Machine
from flowrt.core.reader import Reader
from flowrt.core.template import Template


class Set(Task):
    """Its value is its output (dsl-reference.md, "Set")."""

    kind = "set"
    value: Template

    @classmethod
    def parse(cls, reader: Reader) -> Set:
        task = cls()
        value = reader.at(reader.value["set"], "set")
        if not isinstance(value.value, dict | str) or not value.value:
            value.problem("expected an object with at least one member, or a runtime expression")
        task.value = value.template()
        return task

    def enter(self, state: TaskState, machine: Machine) -> Step:
        machine.scope = state
        return Done(self.value(state.data, machine.lookup))
