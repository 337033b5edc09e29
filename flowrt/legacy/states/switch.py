"""The state switch: several ways on, by data or by the event that comes first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flowrt.legacy.events import listening, matching, payload, remembering
from flowrt.legacy.expressions import wrapped
from flowrt.legacy.names import unique
from flowrt.legacy.source import Source
from flowrt.legacy.states.waiting import in_time

Json = Any
Lead = Callable[[Mapping[str, Json]], str]
"""Where a `transition` or an `end` leads: a name for `then`."""


def on_data(source: Source, state: Mapping[str, Json], lead: Lead) -> dict[str, Json]:
    """The first condition that is true, else the default."""
    cases: dict[str, Json] = {}
    for at, condition in enumerate(state.get("dataConditions") or ()):
        name = unique(str(condition.get("name") or f"case {at + 1}"), cases)
        cases[name] = {"when": wrapped(source.expressions.bare(condition.get("condition"))), "then": lead(condition)}
    return {"switch": _with_default(cases, state, lead)}


def events(source: Source, state: Mapping[str, Json], where: str) -> dict[str, Json]:
    """Waits for one of the events; gives `{state, events}`, without events when none came in time."""
    refs = [str(condition.get("eventRef")) for condition in state.get("eventConditions") or ()]
    wait = {
        **listening(source, refs, False, where),
        "output": {"as": "${ {state: $task.input, events: .} }"},
        **remembering(source, refs, ".events", where),
    }
    limit = source.timeout("eventTimeout", where, state)
    if limit is None:
        return {"do": [{"await events": wait}]}
    return in_time(wait, "await events", limit, {"set": "${ {state: ., events: []} }"})


def on_events(source: Source, state: Mapping[str, Json], where: str, lead: Lead) -> tuple[dict[str, Json], str]:
    """The switch on `{state, events}`, and the jq from there to the state data."""
    cases: dict[str, Json] = {}
    merged = ".state"
    for at, condition in reversed(list(enumerate(state.get("eventConditions") or ()))):
        ref, place = str(condition.get("eventRef")), f"{where}/eventConditions/{at}"
        is_it = f"$in.events != [] and ($in.events[0] | {matching(source, [ref], place)})"
        filter_ = condition.get("eventDataFilter") or {}
        if filter_.get("useData") is not False:
            data = f"($in.events[0] | {payload(source, [ref], filter_, place)}) as $result"
            into = f".state | {data} | {source.merging.into('$result', filter_.get('toStateData'))}"
        else:
            into = ".state"
        merged = f"if {is_it} then {into} else {merged} end"
    for condition in state.get("eventConditions") or ():
        ref = str(condition.get("eventRef"))
        name = unique(str(condition.get("name") or ref), cases)
        is_it = f".events != [] and (.events[0] | {matching(source, [ref], where)})"
        cases[name] = {"when": wrapped(is_it), "then": lead(condition)}
    return {"switch": _with_default(cases, state, lead)}, source.merging.program(f". as $in | {merged}")


def _with_default(cases: dict[str, Json], state: Mapping[str, Json], lead: Lead) -> list[Json]:
    default = {unique("default", cases): {"then": lead(state.get("defaultCondition") or {"end": True})}}
    return [{name: case} for name, case in (cases | default).items()]
