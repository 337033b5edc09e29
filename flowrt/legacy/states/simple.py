"""The states operation, sleep and inject."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowrt.legacy.actions import performed
from flowrt.legacy.expressions import wrapped
from flowrt.legacy.source import Source

Json = Any


def operation(source: Source, state: Mapping[str, Json], where: str) -> dict[str, Json]:
    """Actions, in order or side by side."""
    actions = state.get("actions") or []
    if not actions:
        return {"set": "${ . }"}
    return {"do": performed(source, actions, state.get("actionMode"), f"{where}/actions", state)}


def sleep(source: Source, state: Mapping[str, Json], where: str) -> dict[str, Json]:
    """A time to wait."""
    return {"wait": source.duration(state.get("duration"), f"{where}/duration")}


def inject(source: Source, state: Mapping[str, Json], where: str) -> dict[str, Json]:
    """Static data, merged into the state data."""
    data = state.get("data")
    if not isinstance(data, Mapping) or not data:
        source.notes.problem(f"{where}/data", "an inject state has 'data', an object")
        return {"set": "${ . }"}
    merged = source.merging.program(f". as $data | $task.input | {source.merging.into('$data', None)}")
    return {"set": dict(data), "output": {"as": wrapped(merged if _has_array(data) else "$task.input * .")}}


def _has_array(value: Json) -> bool:
    if isinstance(value, Mapping):
        return any(map(_has_array, value.values()))
    return isinstance(value, list)
