"""The state foreach: actions for each item of an array.

The data of the loop is an array of the state data and of the results of its rounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowrt.legacy.actions import sequence
from flowrt.legacy.expressions import wrapped
from flowrt.legacy.merging import PAIRED
from flowrt.legacy.source import Source

Json = Any

DEFAULT_PARAMETER = "item"


def foreach(source: Source, state: Mapping[str, Json], where: str) -> dict[str, Json]:
    """A loop; 1.0 has no parallel one."""
    if state.get("mode", "parallel") == "parallel":
        source.notes.add(where, "a loop of 1.0 is sequential: its iterations run one after another, in order")
    parameter = str(state.get("iterationParam") or DEFAULT_PARAMETER)
    items = source.expressions.bare(state.get("inputCollection") or "null")
    each = {
        "input": {"from": wrapped(f"[.[0] + {{{parameter}: ${parameter}}}, null]")},
        "do": sequence(source, state.get("actions") or [], PAIRED, f"{where}/actions", state),
        "output": {"as": wrapped(".[1] as $result | $task.input | [.[0], .[1] + [$result]]")},
    }
    loop = {"for": {"each": parameter, "in": wrapped(f".[0] | {items}")}, "do": [{f"each {parameter}": each}]}
    return {"input": {"from": "${ [., []] }"}, **loop, "output": {"as": _results(source, state)}}


def _results(source: Source, state: Mapping[str, Json]) -> str:
    collection = state.get("outputCollection")
    if collection is None:
        body = f"reduce .[1][] as $result (.[0]; {source.merging.into('$result', None)})"
        return wrapped(source.merging.program(body))
    return wrapped(f".[1] as $results | .[0] | {source.expressions.bare(collection)} |= . + $results")
