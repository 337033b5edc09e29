"""The state event: waits for events and performs actions for them.

Within it the data is `{state, events}`, the state data and the envelopes that came, until the actions begin. A state
that starts the workflow has its events from the schedule.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowrt.legacy.actions import performed
from flowrt.legacy.events import listening, matching, payload, remembering
from flowrt.legacy.expressions import wrapped
from flowrt.legacy.source import Source
from flowrt.legacy.states.waiting import not_in_time

Json = Any
AWAIT = "await events"


def references(state: Mapping[str, Json]) -> list[str]:
    """Every event that the state waits for."""
    return list(dict.fromkeys(str(ref) for each in state.get("onEvents") or () for ref in each.get("eventRefs") or ()))


def event(source: Source, state: Mapping[str, Json], where: str) -> dict[str, Json]:
    """Waits; when nothing comes in time, the state is over without its actions."""
    refs = references(state)
    wait = {
        **listening(source, refs, state.get("exclusive") is False, where),
        "output": {"as": "${ {state: $task.input, events: .} }"},
        **remembering(source, refs, ".events", where),
    }
    limit = source.timeout("eventTimeout", where, state)
    if limit is None:
        return {"do": [{AWAIT: wait}, *_received(source, state, where)]}
    wait["timeout"] = {"after": limit}
    return {"try": [{AWAIT: wait}, *_received(source, state, where)], "catch": not_in_time(AWAIT, None)}


def started_by_events(source: Source, state: Mapping[str, Json], where: str) -> dict[str, Json]:
    """The same for the instance that these events have started: they are its input."""
    refs = references(state)
    begin = {"set": {"state": {}, "events": "${ . }"}, **remembering(source, refs, ".events", where)}
    return {"do": [{"events": begin}, *_received(source, state, where)]}


def _received(source: Source, state: Mapping[str, Json], where: str) -> list[Json]:
    handlers = state.get("onEvents") or []
    if state.get("exclusive") is False:
        return _all(source, state, handlers, where)
    if len(handlers) == 1:
        return _one(source, state, handlers[0], f"{where}/onEvents/0")
    names = [f"on {' or '.join(each.get('eventRefs') or ['event'])}" for each in handlers]
    cases = []
    for at, (name, handler) in enumerate(zip(names, handlers, strict=True)):
        is_it = wrapped(f".events[0] | {matching(source, handler.get('eventRefs') or [], where)}")
        cases.append({name: {"then": name} if at == len(handlers) - 1 else {"when": is_it, "then": name}})
    tasks = [
        {name: {"do": _one(source, state, handler, f"{where}/onEvents/{at}"), "then": "exit"}}
        for at, (name, handler) in enumerate(zip(names, handlers, strict=True))
    ]
    return [{"which event": {"switch": cases}}, *tasks]


def _one(source: Source, state: Mapping[str, Json], handler: Mapping[str, Json], where: str) -> list[Json]:
    """What one event brings, then the actions."""
    merged = _merging(source, handler, ".events[0]", where)
    return [{"event data": {"set": wrapped(source.merging.program(merged))}}, *_actions(source, state, handler, where)]


def _all(source: Source, state: Mapping[str, Json], handlers: list[Json], where: str) -> list[Json]:
    """What all events bring, then the actions of all."""
    body = ".state"
    for at, handler in enumerate(handlers):
        for ref in handler.get("eventRefs") or ():
            place = f"{where}/onEvents/{at}"
            its = f"($in.events[] | select({matching(source, [ref], place)}))"
            body += " | " + _merge(source, {**handler, "eventRefs": [ref]}, its, place)
    tasks = [
        task
        for at, handler in enumerate(handlers)
        for task in _actions(source, state, handler, f"{where}/onEvents/{at}")
    ]
    names = [next(iter(task)) for task in tasks]
    if len(set(names)) != len(names):
        tasks = [{f"{name} {at + 1}": task[name]} for at, (name, task) in enumerate(zip(names, tasks, strict=True))]
    return [{"event data": {"set": wrapped(source.merging.program(f". as $in | {body}"))}}, *tasks]


def _merging(source: Source, handler: Mapping[str, Json], envelope: str, where: str) -> str:
    if (handler.get("eventDataFilter") or {}).get("useData") is False:
        return ".state"
    return f". as $in | .state | {_merge(source, handler, f'$in{envelope}', where)}"


def _merge(source: Source, handler: Mapping[str, Json], envelope: str, where: str) -> str:
    filter_ = handler.get("eventDataFilter") or {}
    if filter_.get("useData") is False:
        return "."
    data = payload(source, handler.get("eventRefs") or [], filter_, where)
    return f"(({envelope} | {data}) as $result | {source.merging.into('$result', filter_.get('toStateData'))})"


def _actions(source: Source, state: Mapping[str, Json], handler: Mapping[str, Json], where: str) -> list[Json]:
    actions = handler.get("actions") or []
    return performed(source, actions, handler.get("actionMode"), f"{where}/actions", state) if actions else []
