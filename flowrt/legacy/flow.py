"""Flow: states as a list of tasks that lead to one another, as their transitions, ends and errors say.

A state is the task of its name; where it needs more (a second way on after errors, events to produce on the way,
compensation) tasks named `<state>: …` follow. Every task says where it leads, so their order means nothing but that the
first one begins.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flowrt.legacy.errors import catching, condition, references
from flowrt.legacy.events import emitting
from flowrt.legacy.expressions import wrapped
from flowrt.legacy.names import semantic_version, task_name, unique, workflow_name
from flowrt.legacy.source import Source
from flowrt.legacy.states import STATES, switch
from flowrt.legacy.states.event import started_by_events

Json = Any
State = Mapping[str, Json]
COMPENSATE = "compensate"


@dataclass(slots=True)
class Flow:
    """The tasks of some states. `ending`: the directive that an end is, `end` or `exit`."""

    source: Source
    states: Sequence[tuple[str, State]]
    """With their pointers."""
    ending: str = "end"
    tracked: bool = False
    """Whether compensation has to know which states were completed."""
    started: str | None = None
    """The event state whose events have started the workflow, and are its input."""
    _tasks: dict[str, Json] = field(default_factory=dict)

    def tasks(self, first: Mapping[str, Json] | None = None) -> list[Json]:
        """The list; `first` are tasks that come before all others."""
        self._tasks = dict(first or {})
        # Names of states come first: a task that is made up gives way to them.
        self._tasks |= {task_name(state["name"]): None for _, state in self.states}
        for where, state in self.states:
            if state["type"] == "switch":
                self._switch(where, state)
            else:
                convert = started_by_events if state["name"] == self.started else STATES[state["type"]]
                self._linear(where, state, convert(self.source, state, where), self.lead(where, state))
        return [{name: task} for name, task in self._tasks.items()]

    def lead(self, where: str, state: State, leaving: State | None = None) -> str:
        """The `then` for a `transition` or `end`, which may pass tasks that are made for it."""
        leaving = state if leaving is None else leaving
        transition, end = leaving.get("transition"), leaving.get("end")
        way: Mapping[str, Json] = next((each for each in (transition, end) if isinstance(each, Mapping)), {})
        next_state = transition.get("nextState") if isinstance(transition, Mapping) else transition
        target = self.ending if next_state is None else self._state(str(next_state), where)
        steps: list[tuple[str, Json]] = []
        if way.get("compensate"):
            forget = {"export": {"as": "${ $context + {completed: []} }"}}
            steps.append((COMPENSATE, {"call": COMPENSATE, **forget}))
        for each in way.get("produceEvents") or ():
            ref = str(each.get("eventRef"))
            steps.append((f"produce {ref}", emitting(self.source, each, ref, where)))
        if way.get("continueAs") is not None:
            steps.append(("continue", self._continuing(way["continueAs"], where)))
        for label, task in reversed(steps):
            name = unique(f"{state['name']}: {label}", self._tasks)
            self._tasks[name] = {**task, "then": target}
            target = name
        return target

    def _state(self, name: str, where: str) -> str:
        if all(state["name"] != name for _, state in self.states):
            self.source.notes.problem(where, f"there is no state '{name}' to go to from here")
        return task_name(name)

    def _continuing(self, target: Json, where: str) -> Json:
        ref = {"workflowId": target} if isinstance(target, str) else target
        self.source.notes.add(
            where, "'continueAs' starts the other workflow, as an instance of its own, and ends this one"
        )
        if "workflowExecTimeout" in ref:
            self.source.notes.add(where, "'continueAs.workflowExecTimeout' has no counterpart")
        version = ref.get("version")
        workflow: dict[str, Json] = {
            "namespace": self.source.namespace,
            "name": workflow_name(str(ref.get("workflowId"))),
            "version": "latest" if version is None else semantic_version(str(version)),
        }
        run: dict[str, Json] = {"run": {"workflow": workflow, "await": False}}
        if isinstance(ref.get("data"), str):
            given = wrapped(self.source.expressions.bare(ref["data"]))
            run |= {"input": {"from": given}, "output": {"as": "${ $task.input }"}}
        elif ref.get("data") is not None:
            workflow["input"] = self.source.expressions.value(ref["data"])
        return run

    # States

    def _switch(self, where: str, state: State) -> None:
        if state.get("eventConditions"):
            after = self._made(state, "which event")
            before = {**state, "stateDataFilter": _only(state, "input")}
            self._linear(where, before, switch.events(self.source, state, where), after)
            task, unwrapped = switch.on_events(self.source, state, where, lambda each: self.lead(where, state, each))
            self._tasks[after] = {**task, "output": {"as": self._output(state, unwrapped)}}
            return
        if state.get("onErrors"):
            self.source.notes.add(
                f"{where}/onErrors", "errors of a switch cannot lead to other tasks: they are not caught"
            )
        task = switch.on_data(self.source, state, lambda each: self.lead(where, state, each))
        self._tasks[task_name(state["name"])] = {**self._filters(state), **task, **_shared(state)}

    def _linear(self, where: str, state: State, task: dict[str, Json], then: str) -> None:
        """A state with one way on, and others after errors."""
        name = task_name(state["name"])
        if self.tracked and state.get("compensatedBy"):
            done = f"$context + {{completed: (($context.completed // []) + [{json.dumps(state['compensatedBy'])}])}}"
            task = {"do": [{name: task}], "export": {"as": wrapped(done)}}
        limit = self.source.timeout("stateExecTimeout", where, state)
        if limit is not None:
            task = {**(task if "timeout" not in task else {"do": [{name: task}]}), "timeout": {"after": limit}}
        handlers = [(references(each), self.lead(where, state, each)) for each in state.get("onErrors") or ()]
        filters = self._filters(state)
        if handlers and any(target != then for _, target in handlers):
            self._fails(where, state, task, handlers, then)
            return
        if handlers:
            refs = [ref for refs, _ in handlers for ref in refs]
            task = {"try": [{name: task}], "catch": catching(self.source, refs, where)}
        elif filters and set(task) & {"input", "output"}:
            task = {"do": [{name: task}]}
        self._tasks[name] = {**filters, **task, **_shared(state), "then": then}

    def _fails(self, where: str, state: State, task: Json, handlers: list[tuple[list[str], str]], then: str) -> None:
        """The state gives `{state, caught}`; a switch after it leads on by what was caught."""
        name, after = task_name(state["name"]), self._made(state, "outcome")
        refs = [ref for refs, _ in handlers for ref in refs]
        labels = [" or ".join(refs) for refs, _ in handlers]
        tests = [condition(self.source, refs, where) for refs, _ in handlers]
        caught = "".join(f"if {test} then {json.dumps(label)} else " for test, label in zip(tests, labels, strict=True))
        caught = f"$error | {caught}null{' end' * len(tests)}"
        self._tasks[name] = {
            **{key: value for key, value in self._filters(state).items() if key == "input"},
            "try": [{name: task}, {"done": {"set": {"state": "${ . }"}}}],
            "catch": {
                **catching(self.source, refs, where),
                "do": [{"failed": {"set": {"state": "${ . }", "caught": wrapped(caught)}}}],
            },
            **_shared(state),
            "then": after,
        }
        cases = [
            {label: {"when": wrapped(f".caught == {json.dumps(label)}"), "then": target}}
            for label, (_, target) in zip(labels, handlers, strict=True)
        ]
        outcome = {"switch": [*cases, {"done": {"then": then}}], "output": {"as": self._output(state, ".state")}}
        self._tasks[after] = outcome

    def _made(self, state: State, label: str) -> str:
        name = unique(f"{state['name']}: {label}", self._tasks)
        self._tasks[name] = None
        return name

    def _filters(self, state: State) -> dict[str, Json]:
        filter_ = state.get("stateDataFilter") or {}
        ways = {"input": "from", "output": "as"}
        return {
            name: {way: wrapped(self.source.expressions.bare(filter_[name]))}
            for name, way in ways.items()
            if filter_.get(name) is not None
        }

    def _output(self, state: State, source: str) -> str:
        filter_ = (state.get("stateDataFilter") or {}).get("output")
        return wrapped(source if filter_ is None else f"{source} | {self.source.expressions.bare(filter_)}")


def _only(state: State, name: str) -> dict[str, Json]:
    filter_ = state.get("stateDataFilter") or {}
    return {name: filter_[name]} if filter_.get(name) is not None else {}


def _shared(state: State) -> dict[str, Json]:
    return {"metadata": state["metadata"]} if state.get("metadata") else {}
