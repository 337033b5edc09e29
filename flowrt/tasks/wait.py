"""`wait`: a deadline and nothing else."""

from __future__ import annotations

from flowrt.core.definition import WAIT, Done, Step, Task
from flowrt.core.instance import TaskState
from flowrt.core.machine import Machine
from flowrt.core.reader import Reader
from flowrt.core.template import Template


class Wait(Task):
    """Goes on after its duration, counted from when it began (dsl-reference.md, "Wait")."""

    kind = "wait"
    duration: Template

    @classmethod
    def parse(cls, reader: Reader) -> Wait:
        task = cls()
        task.duration = reader.at(reader.value["wait"], "wait").duration()
        return task

    def enter(self, state: TaskState, machine: Machine) -> Step:
        seconds = machine.evaluate(self.duration, state.data, state)
        if seconds <= 0:
            return Done(state.data)
        state.wake_at = machine.now + seconds
        return WAIT
