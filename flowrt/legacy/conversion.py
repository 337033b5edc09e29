"""The conversion: a 0.8 document to a DSL 1.0 definition, and what has no counterpart there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowrt.legacy.document import document, schedule, use, workflow_input
from flowrt.legacy.flow import COMPENSATE, Flow
from flowrt.legacy.names import task_name, unique
from flowrt.legacy.notes import Note
from flowrt.legacy.reading import Unreadable, read
from flowrt.legacy.source import Source
from flowrt.legacy.states.waiting import not_in_time

Json = Any
State = Mapping[str, Json]
Placed = tuple[str, State]
"""A state with its pointer."""


@dataclass(frozen=True, slots=True)
class Converted:
    """A DSL 1.0 definition and what was lost on the way."""

    definition: dict[str, Json]
    notes: list[Note]


def convert(
    text: str, folder: Path | None = None, namespace: str = "default", replace_arrays: bool = False
) -> Converted:
    """Converts a document. `folder`: where files that it names stand. Raises `Unreadable`, `SdkMissing`."""
    source = Source.of(read(text, folder), namespace, replace_arrays)
    definition = _Conversion(source).definition()
    if source.notes.problems:
        raise Unreadable(source.notes.problems)
    return Converted(definition, source.notes.notes)


class _Conversion:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.states: list[Placed] = [(f"/states/{at}", state) for at, state in enumerate(source.data["states"])]
        self.start = self._start()
        limits = source.data.get("timeouts")
        limit = limits.get("workflowExecTimeout") if isinstance(limits, Mapping) else None
        self.limit: Mapping[str, Json] = (
            {"duration": limit, "interrupt": True} if isinstance(limit, str) else limit or {}
        )
        last = self.limit.get("runBefore")
        self.last = self._reachable(str(last)) if last is not None else []
        self.undone = [placed for placed in self.states if placed[1].get("usedForCompensation")]
        self.compensates = any(
            isinstance(way, Mapping) and bool(way.get("compensate"))
            for _, state in self.states
            for holder in _holders(state)
            for way in (holder.get("transition"), holder.get("end"))
        )

    def definition(self) -> dict[str, Json]:
        """The whole definition."""
        self._settings()
        where, start = self.start
        tasks = self._limited(self._main())
        used = use(self.source)
        if self.compensates:
            used["functions"] = {COMPENSATE: self._compensation()}
        sections = {
            "document": document(self.source),
            "input": workflow_input(self.source, start["type"] == "event"),
            "use": used,
            "timeout": self._timeout() if self.limit and not self.last else {},
            "schedule": schedule(self.source, start, where),
        }
        return {**{name: section for name, section in sections.items() if section}, "do": tasks}

    def _settings(self) -> None:
        data, notes = self.source.data, self.source.notes
        if str(data.get("specVersion", "0.8")) != "0.8":
            notes.add("/specVersion", f"read as 0.8; it says {data['specVersion']}")
        if data.get("expressionLang", "jq") != "jq":
            notes.add("/expressionLang", f"the expressions are {data['expressionLang']}: rewrite them in jq")
        if data.get("keepActive") is True:
            notes.add("/keepActive", "an instance of 1.0 ends with its last task")
        if self.limit and self.limit.get("interrupt") is not True:
            notes.add(
                "/timeouts/workflowExecTimeout",
                "when the time is up, what runs is interrupted; in 0.8 it would finish",
            )

    def _start(self) -> Placed:
        start = self.source.data.get("start")
        name = start.get("stateName") if isinstance(start, Mapping) else start
        found = [placed for placed in self.states if name in (None, placed[1]["name"])]
        if not found:
            self.source.notes.problem("/start", f"there is no state '{name}'")
        return found[0] if found else self.states[0]

    def _main(self) -> list[Json]:
        """The tasks of the states that the workflow passes, the one it starts with first."""
        apart = {state["name"] for _, state in (*self.undone, *self.last)}
        where, start = self.start
        others = [placed for placed in self.states if placed[1] is not start and placed[1]["name"] not in apart]
        flow = Flow(self.source, [self.start, *others], tracked=self.compensates)
        if start["type"] != "event":
            return flow.tasks()
        # The events that start the workflow are its input; when the state is entered again it has to wait for them.
        flow.started = start["name"]
        if any(start["name"] in _targets(state) for _, state in self.states):
            flow.started = unique(f"{start['name']}: started", {state["name"] for _, state in self.states})
            flow.states = [(where, {**start, "name": flow.started}), *flow.states]
        return flow.tasks()

    def _compensation(self) -> dict[str, Json]:
        """The function that undoes what was completed, the last first."""
        names = {str(state["compensatedBy"]): None for _, state in self.states if state.get("compensatedBy")}
        for name in names:
            if all(state["name"] != name for _, state in self.undone):
                self.source.notes.problem("/states", f"'compensatedBy': no state '{name}' is used for compensation")
        cases = [
            {name: {"when": f"${{ $compensation == {json.dumps(name)} }}", "then": task_name(name)}} for name in names
        ]
        which = {"which state": {"switch": [*cases, {"none": {"then": "exit"}}]}}
        return {
            "for": {"each": "compensation", "in": "${ ($context.completed // []) | reverse }"},
            "do": Flow(self.source, self.undone, ending="exit").tasks(which),
        }

    def _limited(self, tasks: list[Json]) -> list[Json]:
        """The tasks within the time of the workflow, and what runs when it is up."""
        if not self.last:
            return tasks
        catch = {**not_in_time("states", None), "do": Flow(self.source, self.last).tasks()}
        return [{"workflow": {"try": [{"states": {"do": tasks, "timeout": self._timeout()}}], "catch": catch}}]

    def _timeout(self) -> dict[str, Json]:
        where = "/timeouts/workflowExecTimeout"
        return {"after": self.source.duration(self.limit.get("duration"), where)}

    def _reachable(self, name: str) -> list[Placed]:
        """The state of that name first, then all that it leads to."""
        names = [name]
        for each in names:
            found = next((state for _, state in self.states if state["name"] == each), None)
            if found is None:
                self.source.notes.problem("/timeouts/workflowExecTimeout/runBefore", f"there is no state '{each}'")
                continue
            names += [target for target in _targets(found) if target not in names]
        return [placed for each in names for placed in self.states if placed[1]["name"] == each]


def _holders(state: State) -> Iterator[State]:
    """Everything in a state that leads somewhere."""
    yield state
    for name in ("onErrors", "dataConditions", "eventConditions"):
        yield from state.get(name) or ()
    if isinstance(state.get("defaultCondition"), Mapping):
        yield state["defaultCondition"]


def _targets(state: State) -> list[str]:
    """The names of the states it leads to."""
    transitions = [holder["transition"] for holder in _holders(state) if holder.get("transition")]
    return [str(each.get("nextState") if isinstance(each, Mapping) else each) for each in transitions]
