"""Actions: what a state does, one task each, and how their results come into the state data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flowrt.legacy.events import emitting, listening, payload, remembering
from flowrt.legacy.expressions import wrapped
from flowrt.legacy.functions import call
from flowrt.legacy.merging import PAIRED, PLAIN, Frame
from flowrt.legacy.names import semantic_version, task_name, unique, workflow_name
from flowrt.legacy.retries import retried
from flowrt.legacy.source import Source

Json = Any
Actions = Sequence[Mapping[str, Json]]
ASYNCHRONOUS = "async"


def performed(source: Source, actions: Actions, mode: Json, where: str, *holders: Mapping[str, Json]) -> list[Json]:
    """The tasks that perform actions one after another or side by side, from state data to state data."""
    if mode == "parallel" and len(actions) > 1:
        return [{"actions": _side_by_side(source, actions, where, *holders)}]
    return sequence(source, actions, PLAIN, where, *holders)


def sequence(source: Source, actions: Actions, frame: Frame, where: str, *holders: Mapping[str, Json]) -> list[Json]:
    """One task for each action, in order."""
    tasks: dict[str, Json] = {}
    for at, action in enumerate(actions):
        name = unique(_name(action, at), tasks)
        tasks[name] = _task(source, action, name, frame, f"{where}/{at}", *holders)
    return [{name: task} for name, task in tasks.items()]


def branch(source: Source, actions: Actions, where: str, *holders: Mapping[str, Json]) -> dict[str, Json]:
    """A task from the state data to nothing but the results of these actions, in order; null if there are none."""
    tasks = sequence(source, actions, PAIRED, where, *holders)
    return {"input": {"from": "${ [., null] }"}, "do": tasks, "output": {"as": "${ .[1] }"}}


def joined(source: Source) -> str:
    """From the results of branches, as a fork gives them, to the state data."""
    return wrapped(
        source.merging.program(f"reduce .[] as $result ($task.input; {source.merging.into('$result', None)})")
    )


def _side_by_side(source: Source, actions: Actions, where: str, *holders: Mapping[str, Json]) -> Json:
    branches: dict[str, Json] = {}
    for at, action in enumerate(actions):
        name = unique(_name(action, at), branches)
        branches[name] = branch(source, [action], where, *holders)
    tasks = [{name: task} for name, task in branches.items()]
    return {"fork": {"branches": tasks}, "output": {"as": joined(source)}}


def _name(action: Mapping[str, Json], at: int) -> str:
    function, flow, event = action.get("functionRef"), action.get("subFlowRef"), action.get("eventRef") or {}
    refers = (
        function if isinstance(function, str) else (function or {}).get("refName"),
        flow if isinstance(flow, str) else (flow or {}).get("workflowId"),
        event.get("triggerEventRef") or event.get("produceEventRef"),
    )
    found = action.get("name") or next((each for each in refers if each), None) or f"action {at + 1}"
    return task_name(str(found))


def _task(
    source: Source, action: Mapping[str, Json], name: str, frame: Frame, where: str, *holders: Mapping[str, Json]
) -> dict[str, Json]:
    task, has_result = _doing(source, action, where, *holders)
    if not _is_asynchronous(action):
        task = retried(source, action, name, task, where)
    task = _rested(source, action, task, name, where)
    filter_ = action.get("actionDataFilter") or {}
    outer: dict[str, Json] = {}
    if action.get("condition") is not None:
        outer["if"] = wrapped(frame.read(f"({source.expressions.bare(action['condition'])})"))
    seen = filter_.get("fromStateData")
    from_ = frame.read("." if seen is None else source.expressions.bare(seen))
    if from_ != ".":
        outer["input"] = {"from": wrapped(from_)}
    if set(task) & {"input", "output"}:  # those are the call's own
        task = {"do": [{name: task}]}
    outer = {**outer, **task, "output": {"as": _result(source, filter_, frame, has_result)}}
    limit = source.timeout("actionExecTimeout", where, *holders)
    return outer if limit is None else {**outer, "timeout": {"after": limit}}


def _result(source: Source, filter_: Mapping[str, Json], frame: Frame, has_result: bool) -> str:
    if not has_result or filter_.get("useResults") is False:
        return "${ $task.input }"
    result = "." if filter_.get("results") is None else f"({source.expressions.bare(filter_['results'])})"
    change = frame.write(source.merging.into("$result", filter_.get("toStateData")))
    return wrapped(source.merging.program(f"{result} as $result | $task.input | {change}"))


def _doing(source: Source, action: Mapping[str, Json], where: str, *holders: Mapping[str, Json]) -> tuple[Json, bool]:
    """The task at the heart of an action, and whether its output is a result."""
    if (flow := action.get("subFlowRef")) is not None:
        return _sub_flow(source, {"workflowId": flow} if isinstance(flow, str) else flow, where)
    if (event := action.get("eventRef")) is not None:
        return _exchange(source, event, where, *holders)
    if (function := action.get("functionRef")) is None:
        source.notes.problem(where, "an action has one of 'functionRef', 'eventRef', 'subFlowRef'")
        return {"set": "${ . }"}, False
    task = call(source, function, f"{where}/functionRef")
    if _is_asynchronous(action):
        source.notes.add(where, "1.0 has no asynchronous calls: it is awaited, its result and errors are passed over")
        return {"try": [{"call": task}], "catch": {}}, False
    return task, True


def _is_asynchronous(action: Mapping[str, Json]) -> bool:
    """Nobody waits for its result or its errors: it is not retried either."""
    refs = (action.get(name) for name in ("functionRef", "eventRef", "subFlowRef"))
    return any(isinstance(ref, Mapping) and ref.get("invoke") == ASYNCHRONOUS for ref in refs)


def _rested(source: Source, action: Mapping[str, Json], task: Json, name: str, where: str) -> Json:
    """The task between the waits of `sleep`."""
    sleep = action.get("sleep") or {}
    before, after = ([_wait(source, sleep[when], where)] if sleep.get(when) else [] for when in ("before", "after"))
    if not before and not after:
        return task
    tasks = [*({f"before {name}": wait} for wait in before), {name: task}, *({f"after {name}": wait} for wait in after)]
    return {"do": tasks}


def _wait(source: Source, time: Json, where: str) -> Json:
    return {"wait": source.duration(time, f"{where}/sleep")}


def _sub_flow(source: Source, flow: Mapping[str, Json], where: str) -> tuple[Json, bool]:
    version = flow.get("version")
    workflow: dict[str, Json] = {
        "namespace": source.namespace,
        "name": workflow_name(str(flow.get("workflowId"))),
        "version": "latest" if version is None else semantic_version(str(version)),
    }
    run: dict[str, Json] = {"workflow": workflow}
    if flow.get("invoke") != ASYNCHRONOUS:
        return {"run": run}, True
    if flow.get("onParentComplete") != "continue":
        source.notes.add(where, "a workflow that is not awaited goes on when its parent has ended; 0.8 would end it")
    return {"run": {**run, "await": False}}, False


def _exchange(source: Source, ref: Mapping[str, Json], where: str, *holders: Mapping[str, Json]) -> tuple[Json, bool]:
    """An event sent and another one awaited: side by side, so that an early answer is not missed."""
    sent, answer = ref.get("triggerEventRef") or ref.get("produceEventRef"), ref.get("resultEventRef")
    send = emitting(source, ref, str(sent), f"{where}/eventRef")
    if answer is None or ref.get("invoke") == ASYNCHRONOUS:
        return send, False
    answer = str(answer)
    wait = listening(source, [answer], False, f"{where}/eventRef")
    wait |= remembering(source, [answer], ".", f"{where}/eventRef")
    limit = ref.get("resultEventTimeout") or source.timeout("actionExecTimeout", where, *holders)
    if limit is not None:
        wait["timeout"] = {"after": source.duration(limit, f"{where}/eventRef/resultEventTimeout")}
    result = f".[0][0] | {payload(source, [answer], None, where)}"
    task = {
        "fork": {"branches": [{f"await {answer}": wait}, {f"send {sent}": send}]},
        "output": {"as": wrapped(result)},
    }
    return task, True
