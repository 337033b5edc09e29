"""`switch`: the first case that matches decides what comes next."""

from __future__ import annotations

from flowrt.core.dataflow import truth
from flowrt.core.definition import Done, Step, Task
from flowrt.core.instance import TaskState
from flowrt.core.machine import Machine
from flowrt.core.reader import Reader
from flowrt.core.template import Template


class Switch(Task):
    """Tests its cases in document order; the default stands for none of them (dsl-reference.md, "Switch")."""

    kind = "switch"
    cases: tuple[tuple[Template, int], ...]
    default: int | None = None

    @classmethod
    def parse(cls, reader: Reader) -> Switch:
        task = cls()
        cases: list[tuple[Template, int]] = []
        switch = reader.at(reader.value["switch"], "switch")
        named = switch.named_items()
        if not named and isinstance(switch.value, list):
            switch.problem("a switch needs at least one case")
        for name, case in named:
            case.object(("when", "then"), required=("then",))
            when, then = case.get("when"), case.get("then")
            outcome = then.directive() if then is not None else 0
            if when is not None:
                cases.append((when.expression(), outcome))
            elif task.default is not None:
                case.problem(f"'{name}' is a second default case", "All cases but one must have 'when'.")
            else:
                task.default = outcome
        task.cases = tuple(cases)
        task.outcomes = tuple(then for _, then in cases) + (() if task.default is None else (task.default,))
        return task

    def enter(self, state: TaskState, machine: Machine) -> Step:
        machine.scope = state
        for when, then in self.cases:
            if truth(when(state.data, machine.lookup)):
                return Done(state.data, then)
        return Done(state.data, self.default)
