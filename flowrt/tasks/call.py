"""`call`: a call of the DSL, a function of `use.functions` or a catalog, or a registered Python function."""

from __future__ import annotations

from typing import Any

from flowrt.core.definition import Done, Run, Step, Task
from flowrt.core.instance import TaskState
from flowrt.core.machine import Machine
from flowrt.core.reader import Reader
from flowrt.core.template import Template
from flowrt.tasks.calls import CALLS
from flowrt.tasks.effect_task import EffectTask
from flowrt.tasks.subscribe import Subscribe, subscribes

Json = Any


class Call(EffectTask):
    """A call of a kind that an adapter carries out ("Call")."""

    kind = "call"

    @classmethod
    def parse(cls, reader: Reader) -> Task:
        name = reader.at(reader.value["call"], "call").string(what="the name of a function to call")
        if name == "asyncapi" and subscribes(reader):
            return Subscribe.parse(reader)
        if name in CALLS:
            task = cls()
            task.effect_kind = name
            with_ = reader.get("with")
            if with_ is None:
                reader.problem("the required property 'with' is missing", f"A '{name}' call needs its arguments.")
            task.arguments = CALLS[name](with_ if with_ is not None else reader.at({}, "with"))
            task.constant_arguments = reader.value.get("with")
            return task
        build = reader.build
        function = (build.reference("functions", name) or build.external_function(name)) if name else None
        if function is not None:
            return FunctionCall.of(reader, function, name)
        return cls._registered(reader, name)

    @classmethod
    def _registered(cls, reader: Reader, name: str) -> Task:
        task = cls()
        task.effect_kind = "function"
        if "://" in name or "@" in name:
            reader.at(name, "call").warn(f"the function '{name}' could not be loaded; calling it will fault")
        elif name and not reader.build.function(name):
            reader.at(name, "call").problem(
                f"there is no function '{name}'",
                f"Define use.functions.{name}, register a Python function of that name, or use one of "
                f"{', '.join(CALLS)}.",
            )
        with_ = reader.get("with")
        arguments = with_.template() if with_ is not None else (lambda data, lookup: {})
        task.arguments = lambda data, lookup: {"function": name, "with": arguments(data, lookup), "input": data}
        return task


class FunctionCall(Task):
    """Runs the task of a function with the call's `with` as its input; its inner tasks continue this position."""

    kind = "call"
    arguments: Template | None = None
    body: Task

    @classmethod
    def of(cls, reader: Reader, function: Reader, name: str) -> FunctionCall:
        """The call of a function that stands elsewhere in the document, or in a catalog."""
        task = cls()
        with_ = reader.get("with")
        task.arguments = with_.template() if with_ is not None else None
        inside = reader.at(function.value)
        inside.position = function.position or reader.position
        inside.task_position = reader.task_position
        inside.task_key = f"{reader.task_key}/call"
        inside.siblings = {}
        task.body = reader.build.body(inside, name)
        for body in task.body.layers():
            body.hidden = True
        task.body.siblings, task.body.next = (task.body,), None
        task.children = (task.body,)
        return task

    def enter(self, state: TaskState, machine: Machine) -> Step:
        data = state.data if self.arguments is None else machine.evaluate(self.arguments, state.data, state)
        return Run(self.body, data)

    def resume(self, state: TaskState, child: TaskState, output: Json, then: int, machine: Machine) -> Step:
        return Done(output)
