"""Graphs: a definition as a Mermaid flowchart, with its lists as subgraphs and its directives as arrows."""

from __future__ import annotations

from collections.abc import Iterator

from flowrt.core.definition import CONTINUE, END, EXIT, Task, WorkflowDefinition, following
from flowrt.tasks.extended import Extended
from flowrt.tasks.fork import Fork
from flowrt.tasks.switch import Switch
from flowrt.tasks.try_ import Try

SHAPES = {
    "switch": ("{", "}"),
    "listen": ("[/", "/]"),
    "wait": ("([", "])"),
    "raise": ("{{", "}}"),
    "emit": ("[/", "/]"),
}


def mermaid(definition: WorkflowDefinition) -> str:
    """The drawing of a definition."""
    drawing = _Drawing()
    lines = list(drawing.task_list(definition.root.children, "start", "finish"))
    head = ["flowchart TD", f"  %% {definition.id}", "  start((start))", "  finish((end))"]
    return "\n".join([*head, *(f"  {line}" for line in lines)]) + "\n"


class _Drawing:
    def __init__(self) -> None:
        self._ids: dict[str, str] = {}

    def _id(self, task: Task) -> str:
        return self._ids.setdefault(task.key, f"t{len(self._ids)}")

    def task_list(self, tasks: tuple[Task, ...], before: str, after: str) -> Iterator[str]:
        """The tasks of a list, entered from `before` and left to `after`."""
        if not tasks:
            yield f"{before} --> {after}"
            return
        yield f"{before} --> {self._id(tasks[0])}"
        for task in tasks:
            yield from self._node(task)
            yield from self._arrows(task, after)

    def _node(self, task: Task) -> Iterator[str]:
        while isinstance(task, Extended):
            task = task.inner
        label = f'"{task.name}<br/><i>{task.kind}</i>"'
        if not task.children:
            opening, closing = SHAPES.get(task.kind, ("[", "]"))
            yield f"{self._id(task)}{opening}{label}{closing}"
            return
        yield f"{self._id(task)}[{label}]"
        yield f"subgraph {self._id(task)}_inside [{task.name}]"
        yield from (f"  {line}" for line in self._inside(task))
        yield "end"

    def _inside(self, task: Task) -> Iterator[str]:
        start, end = f"{self._id(task)}_in(( ))", f"{self._id(task)}_out(( ))"
        yield start
        yield end
        start, end = start.partition("(")[0], end.partition("(")[0]
        if isinstance(task, Fork):
            for branch in task.branches:
                yield from self.task_list((branch,), start, end)
        elif isinstance(task, Try):
            yield from self.task_list(task.body, start, end)
            if task.handler:
                yield from self.task_list(task.handler, f"{start} -. caught .-> {self._id(task)}_caught(( ))", end)
        else:
            yield from self.task_list(task.children, start, end)

    def _arrows(self, task: Task, after: str) -> Iterator[str]:
        if isinstance(task, Switch):
            switch = task.definition.get("switch", [])
            named = [(name, case) for item in switch for name, case in item.items()]
            outcomes = iter(task.cases)
            for name, case in named:
                then = next(outcomes)[1] if "when" in case else task.default
                yield f'{self._id(task)} -->|"{name}"| {self._target(task, CONTINUE if then is None else then, after)}'
            if task.default is None:
                yield f'{self._id(task)} -->|"else"| {self._target(task, task.then, after)}'
            return
        yield f"{self._id(task)} --> {self._target(task, task.then, after)}"

    def _target(self, task: Task, then: int, after: str) -> str:
        if then == END:
            return "finish"
        found = None if then == EXIT else following(task, then)
        return after if found is None else self._id(found)
