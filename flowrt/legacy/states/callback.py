"""The state callback: an action, and the event that answers it.

Both run side by side, so that an answer that comes before the action has returned is not missed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowrt.legacy.actions import branch
from flowrt.legacy.events import listening, payload, remembering
from flowrt.legacy.expressions import wrapped
from flowrt.legacy.source import Source
from flowrt.legacy.states.waiting import in_time

Json = Any


def callback(source: Source, state: Mapping[str, Json], where: str) -> dict[str, Json]:
    """The results of the action and of the event are merged, in this order."""
    ref = str(state.get("eventRef"))
    action = branch(source, [state.get("action") or {}], f"{where}/action", state)
    wait = listening(source, [ref], False, where) | remembering(source, [ref], ".", where)
    limit = source.timeout("eventTimeout", where, state)
    if limit is not None:
        wait = in_time(wait, f"await {ref}", limit, {"set": "${ [] }"})
    branches = [{f"await {ref}": wait}, {"action": action}]
    return {"fork": {"branches": branches}, "output": {"as": _merged(source, state, ref, limit is not None, where)}}


def _merged(source: Source, state: Mapping[str, Json], ref: str, may_be_late: bool, where: str) -> str:
    body = f". as $done | $task.input | $done[1] as $result | ({source.merging.into('$result', None)})"
    filter_ = state.get("eventDataFilter") or {}
    if filter_.get("useData") is not False:
        data = f"($done[0][0] | {payload(source, [ref], filter_, where)}) as $result"
        merged = f"({data} | {source.merging.into('$result', filter_.get('toStateData'))})"
        body += f" | if $done[0] == [] then . else {merged} end" if may_be_late else f" | {merged}"
    return wrapped(source.merging.program(body))
