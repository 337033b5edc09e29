"""The state parallel: branches side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowrt.legacy.actions import branch, joined
from flowrt.legacy.expressions import wrapped
from flowrt.legacy.names import task_name, unique
from flowrt.legacy.source import Source

Json = Any


def parallel(source: Source, state: Mapping[str, Json], where: str) -> dict[str, Json]:
    """All branches, or the one that is first."""
    branches: dict[str, Json] = {}
    for at, each in enumerate(state.get("branches") or []):
        place = f"{where}/branches/{at}"
        task = branch(source, each.get("actions") or [], f"{place}/actions", each, state)
        limit = source.timeout("branchExecTimeout", place, each, state)
        name = unique(task_name(str(each.get("name") or f"branch {at + 1}")), branches)
        branches[name] = task if limit is None else {**task, "timeout": {"after": limit}}
    tasks = [{name: task} for name, task in branches.items()]
    if not _is_race(source, state, len(tasks), where):
        return {"fork": {"branches": tasks}, "output": {"as": joined(source)}}
    won = f". as $result | $task.input | {source.merging.into('$result', None)}"
    output = {"as": wrapped(source.merging.program(won))}
    return {"fork": {"compete": True, "branches": tasks}, "output": output}


def _is_race(source: Source, state: Mapping[str, Json], branches: int, where: str) -> bool:
    if state.get("completionType", "allOf") not in ("atLeast", "n_of_m"):
        return False
    wanted = str(state.get("numCompleted", 1))
    if wanted == "1":
        return branches > 1
    if wanted != str(branches):
        source.notes.add(
            f"{where}/numCompleted",
            f"a fork of 1.0 waits for one branch or for all: it waits for all, not for {wanted}",
        )
    return False
