"""What every task has in common: reading its shared properties, and running a list of tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from flowrt.core.definition import CONTINUE, Done, Run, Step, Task, following
from flowrt.core.instance import TaskState
from flowrt.core.machine import Machine
from flowrt.core.reader import Reader

Json = Any
ParseTask = Callable[[Reader], Task]

SHARED = ("if", "input", "output", "export", "timeout", "then", "metadata")


def place(task: Task, reader: Reader, name: str, index: int, key: str | None = None) -> None:
    """Gives a task its place in the tree."""
    task.name, task.index = name, index
    task.position = reader.task_position
    task.key = key if key is not None else reader.task_key
    task.siblings, task.next = (), None
    task.loop = ""
    task.definition = reader.value if isinstance(reader.value, dict) else {}
    task.base_uri = None


def read_shared(task: Task, reader: Reader) -> None:
    """Reads `if`, `input`, `output`, `export`, `timeout`, `then` (dsl-reference.md, "Task")."""
    if (condition := reader.get("if")) is not None:
        task.condition = condition.expression()
    read_input(task, reader)
    read_output(task, reader)
    if (export := reader.get("export")) is not None:
        export.object(("schema", "as"))
        task.export_as = transformation(export, "as")
        if (schema := export.get("schema")) is not None:
            task.export_schema = reader.build.schema(schema)
            task.export_as = task.export_as or (lambda data, lookup: lookup("context"))
    if (timeout := reader.get("timeout")) is not None:
        task.timeout = read_timeout(timeout)
    if (then := reader.get("then")) is not None:
        task.then = then.directive()
    if (metadata := reader.get("metadata")) is not None:
        if (tags := metadata.object().get("tags")) is not None:
            task.tags = tags.object().template()
    finish(task)


def read_input(task: Task, reader: Reader) -> None:
    """`input: {schema, from}`."""
    if (input_ := reader.get("input")) is None:
        return
    input_.object(("schema", "from"))
    if (schema := input_.get("schema")) is not None:
        task.input_schema = reader.build.schema(schema)
    task.input_from = transformation(input_, "from")


def read_output(task: Task, reader: Reader) -> None:
    """`output: {schema, as}`."""
    if (output := reader.get("output")) is None:
        return
    output.object(("schema", "as"))
    if (schema := output.get("schema")) is not None:
        task.output_schema = reader.build.schema(schema)
    task.output_as = transformation(output, "as")


def transformation(reader: Reader, name: str) -> Any:
    """`from` or `as` of a data-flow property, if it is there."""
    found = reader.get(name)
    return None if found is None else found.expression_or_template()


def read_timeout(reader: Reader) -> Any:
    """A timeout or the name of one, as a template that gives seconds."""
    timeout = reader.referenced("timeouts").object(("after",), required=("after",))
    after = timeout.get("after")
    return None if after is None else after.duration()


def finish(task: Task) -> None:
    """Notes which halves of the data flow it does without."""
    entry = (task.condition, task.input_schema, task.input_from, task.timeout)
    exit_ = (task.output_as, task.output_schema, task.export_as, task.tags)
    task.plain_entry = all(part is None for part in entry)
    task.plain_exit = all(part is None for part in exit_)


def jumps_back(tasks: Iterable[Task]) -> bool:
    """Whether a directive of the list leads to a task that may have run before."""
    return any(0 <= then <= task.index for task in tasks for then in (task.then, *task.outcomes))


def connect(task: Task, *lists: Sequence[Task]) -> None:
    """Tells a task its children; one whose list jumps back counts rounds."""
    task.children = tuple(child for each in lists for child in each)
    task.counts_rounds = task.counts_rounds or any(jumps_back(each) for each in lists)


class TaskList(Task):
    """A task that runs a list of tasks, one after the other."""

    body: tuple[Task, ...]

    def begin(self, state: TaskState, data: Json, machine: Machine) -> Step:
        """The first task of the list."""
        if self.counts_rounds and state.round is None:
            machine.new_round(state)
        return Run(self.body[0], data)

    def resume(self, state: TaskState, child: TaskState, output: Json, then: int, machine: Machine) -> Step:
        task = child.task.next if then == CONTINUE else self._jump(state, child.task, then, machine)
        return self.over(state, child, output, machine) if task is None else Run(task, output)

    def over(self, state: TaskState, child: TaskState, output: Json, machine: Machine) -> Step:
        """The list has ended with this output."""
        return Done(output)

    @staticmethod
    def _jump(state: TaskState, task: Task, then: int, machine: Machine) -> Task | None:
        if 0 <= then <= task.index:
            machine.new_round(state)
        return following(task, then)
