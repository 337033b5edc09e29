"""`fork`: branches side by side, or against each other."""

from __future__ import annotations

from typing import Any

from flowrt.core.definition import WAIT, Done, RunAll, Step, Task
from flowrt.core.fault import Fault
from flowrt.core.instance import TaskState
from flowrt.core.machine import Machine
from flowrt.core.reader import Reader
from flowrt.tasks.common import connect


class Fork(Task):
    """Outputs the branches' outputs in declared order, or the winner's ("Fork").

    `memory`: with `compete` the first fault of a loser, else the outputs so far by branch index (JSON keys).
    """

    kind = "fork"
    branches: tuple[Task, ...]
    compete = False

    @classmethod
    def parse(cls, reader: Reader) -> Fork:
        task = cls()
        fork = reader.at(reader.value["fork"], "fork").object(("branches", "compete"), required=("branches",))
        if (compete := fork.get("compete")) is not None:
            task.compete = compete.boolean()
        branches = fork.get("branches")
        task.branches = branches.tasks() if branches is not None else ()
        for branch in task.branches:
            for layer in branch.layers():
                layer.next = None  # a branch leads nowhere: it ends with its task
            if any(then >= 0 for then in (branch.then, *branch.outcomes)):
                branch_reader = branches.at(None, branch.index, branch.name) if branches is not None else reader
                branch_reader.problem(
                    "a branch of a fork cannot direct to another branch", "Use continue, exit or end."
                )
        connect(task)
        task.children = task.branches
        return task

    def enter(self, state: TaskState, machine: Machine) -> Step:
        state.memory = {} if not self.compete else None
        return RunAll([(branch, state.data) for branch in self.branches])

    def resume(self, state: TaskState, child: TaskState, output: Any, then: int, machine: Machine) -> Step:
        if self.compete:
            return self._over(state, Done(output), machine)
        state.memory = {**state.memory, str(child.task.index): output}
        machine.touch(state)
        if len(state.memory) < len(self.branches):
            return WAIT
        return Done([state.memory[str(index)] for index in range(len(self.branches))])

    def catches(self, state: TaskState, child: TaskState, fault: Fault, machine: Machine) -> bool:
        return self.compete

    def failed(self, state: TaskState, child: TaskState, fault: Fault, machine: Machine) -> Step:
        """A racing branch that faults loses; when all have, the fault that came first goes on."""
        if state.memory is None:
            state.memory = fault.to_json()
            machine.touch(state)
        return WAIT if state.children else Fault.from_json(state.memory)

    def _over(self, state: TaskState, done: Done, machine: Machine) -> Step:
        for loser in list((state.children or {}).values()):
            machine.drop(loser)
        return done
