"""Graphs: a definition as a Mermaid flowchart, with its lists as subgraphs and its directives as arrows."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from flowrt.core.definition import CONTINUE, END, EXIT, Task, WorkflowDefinition, following
from flowrt.tasks.extended import Extended
from flowrt.tasks.fork import Fork
from flowrt.tasks.raise_ import Raise
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


def _label(task: Task, between: str) -> str:
    return f'"{escape(task.name, quote=True)}{between}<i>{task.kind}</i>"'


def _drawn(task: Task) -> Task:
    while isinstance(task, Extended):
        task = task.inner
    return task


def _inner(task: Task) -> tuple[Task, ...]:
    return tuple(child for child in _drawn(task).children if not _drawn(child).hidden)


class _Drawing:
    """A task with tasks of its own is a subgraph with a way in and a way out."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}

    def _id(self, task: Task) -> str:
        return self._ids.setdefault(_drawn(task).key, f"t{len(self._ids)}")

    def _way_in(self, task: Task) -> str:
        return f"{self._id(task)}_in" if _inner(task) else self._id(task)

    def _way_out(self, task: Task) -> str:
        return f"{self._id(task)}_out" if _inner(task) else self._id(task)

    def task_list(self, tasks: tuple[Task, ...], before: str, after: str) -> Iterator[str]:
        """The tasks of a list, entered from `before` and left to `after`."""
        if not tasks:
            yield f"{before} --> {after}"
            return
        yield f"{before} --> {self._way_in(tasks[0])}"
        for task in tasks:
            yield from self._node(task)
            yield from self._arrows(task, after)

    def _node(self, outer: Task) -> Iterator[str]:
        task, id_ = _drawn(outer), self._id(outer)
        if not _inner(task):
            opening, closing = SHAPES.get(task.kind, ("[", "]"))
            yield f"{id_}{opening}{_label(task, '<br/>')}{closing}"
            return
        yield f"subgraph {id_} [{_label(task, ' ')}]"
        yield f"  {id_}_in(( ))"
        yield f"  {id_}_out(( ))"
        yield from (f"  {line}" for line in self._inside(task, f"{id_}_in", f"{id_}_out"))
        yield "end"

    def _inside(self, task: Task, start: str, end: str) -> Iterator[str]:
        if isinstance(task, Fork):
            for branch in task.branches:
                yield from self.task_list((branch,), start, end)
        elif isinstance(task, Try):
            yield from self.task_list(task.body, start, end)
            if task.handler:
                yield f'{start} -. "caught" .-> {self._way_in(task.handler[0])}'
                yield from list(self.task_list(task.handler, start, end))[1:]
        else:
            yield from self.task_list(_inner(task), start, end)

    def _arrows(self, outer: Task, after: str) -> Iterator[str]:
        task = _drawn(outer)
        if isinstance(task, Raise):
            return
        if not isinstance(task, Switch):
            yield f"{self._way_out(task)} --> {self._target(outer, task.then, after)}"
            return
        outcomes = iter(task.cases)
        cases = [(name, case) for item in task.definition.get("switch", []) for name, case in item.items()]
        for name, case in cases:
            then = next(outcomes)[1] if "when" in case else task.default
            target = self._target(outer, CONTINUE if then is None else then, after)
            yield f'{self._id(task)} -->|"{escape(name, quote=True)}"| {target}'
        if task.default is None:
            yield f'{self._id(task)} -->|"else"| {self._target(outer, task.then, after)}'

    def _target(self, task: Task, then: int, after: str) -> str:
        if then == END:
            return "finish"
        found = None if then == EXIT else following(task, then)
        return after if found is None else self._way_in(found)
