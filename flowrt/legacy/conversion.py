"""The conversion: a 0.8 document to a DSL 1.0 definition, and what has no counterpart there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowrt.legacy.document import document, schedule, use, workflow_input
from flowrt.legacy.errors import TIMEOUT
from flowrt.legacy.flow import COMPENSATE, Flow
from flowrt.legacy.names import task_name, unique
from flowrt.legacy.notes import Note
from flowrt.legacy.reading import Unreadable, read
from flowrt.legacy.source import Source
from flowrt.legacy.states.event import started_by_events

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
        self.start_where, self.start = self._start()
        limits = source.data.get("timeouts")
        limit = limits.get("workflowExecTimeout") if isinstance(limits, Mapping) else None
        self.limit: Mapping[str, Json] = {"duration": limit} if isinstance(limit, str) else limit or {}
        last = self.limit.get("runBefore")
        self.last = self._reachable(str(last)) if last is not None else []

    def definition(self) -> dict[str, Json]:
        self._settings()
        undone = [(where, state) for where, state in self.states if state.get("usedForCompensation")]
        compensates = any(state.get("compensatedBy") for _, state in self.states)
        apart = {state["name"] for _, state in (*undone, *self.last)}
        main = [placed for placed in self._ordered() if placed[1]["name"] not in apart]
        by_events = self.start["type"] == "event"
        tasks = self._main(main, by_events, compensates)
        tasks = self._limited(tasks)
        used = use(self.source)
        if compensates:
            used["functions"] = {COMPENSATE: self._compensation(undone)}
        sections = {
            "document": document(self.source),
            "input": workflow_input(self.source, by_events),
            "use": used,
            "timeout": {"after": self._duration()} if self.limit and not self.last else {},
            "schedule": schedule(self.source, self.start, self.start_where),
        }
        return {**{name: section for name, section in sections.items() if section}, "do": tasks}

    def _settings(self) -> None:
        data, notes = self.source.data, self.source.notes
        if str(data.get("specVersion", "0.8")) != "0.8":
            notes.add("/specVersion", f"read as 0.8; it says {data['specVersion']}")
        if data.get("expressionLang", "jq") != "jq":
            notes.add("/expressionLang", f"the expressions are {data['expressionLang']}: rewrite them in jq")
        if data.get("keepActive") is True and "keepActive" in self._given():
            notes.add("/keepActive", "an instance of 1.0 ends with its last task")

    def _given(self) -> Mapping[str, Json]:
        """What the author wrote: the SDK sets `keepActive` where 0.8 does not."""
        return self.source.data

    def _start(self) -> Placed:
        start = self.source.data.get("start")
        name = start.get("stateName") if isinstance(start, Mapping) else start
        if name is None:
            return self.states[0]
        for placed in self.states:
            if placed[1]["name"] == name:
                return placed
        self.source.notes.problem("/start", f"there is no state '{name}'")
        return self.states[0]

    def _ordered(self) -> list[Placed]:
        first = (self.start_where, self.start)
        return [first, *(placed for placed in self.states if placed[1] is not self.start)]

    def _main(self, states: list[Placed], by_events: bool, tracked: bool) -> list[Json]:
        flow = Flow(self.source, states, tracked=tracked)
        if not by_events:
            return flow.tasks()
        begun = started_by_events(self.source, self.start, self.start_where)
        name = task_name(self.start["name"])
        again = any(name in _targets(state) for _, state in states)
        flow.started = None if again else begun
        if not again:
            return flow.tasks()
        first = unique(f"{name}: started", {state["name"] for _, state in states})
        return flow.tasks({first: begun})
