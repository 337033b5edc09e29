"""`do`: tasks in sequence; also the root of a workflow and the body of a called function."""

from __future__ import annotations

from flowrt.core.definition import Step
from flowrt.core.instance import TaskState
from flowrt.core.machine import Machine
from flowrt.core.reader import Reader
from flowrt.tasks.common import TaskList, connect


class Do(TaskList):
    """Runs its tasks in declaration order, or as their directives say (dsl-reference.md, "Do")."""

    kind = "do"

    @classmethod
    def parse(cls, reader: Reader) -> Do:
        task = cls()
        body = reader.get("do")
        task.body = body.tasks() if body is not None else ()
        connect(task, task.body)
        return task

    def enter(self, state: TaskState, machine: Machine) -> Step:
        return self.begin(state, state.data, machine)
