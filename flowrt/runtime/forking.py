"""Forking: a new instance that goes on from where another one stood before a task of the workflow's own list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flowrt.core.definition import END, Task
from flowrt.core.instance import Instance, TaskRecord
from flowrt.core.records import next_position

Json = Any


class NeverThere(Exception):
    """The instance has not come to that place; the message says where it has been."""


@dataclass(frozen=True, slots=True)
class Place:
    """Before a task, and the tasks of the same list that have completed before it: at least one."""

    task: Task
    before: Sequence[TaskRecord]


def place(instance: Instance, history: Sequence[Json], position: str | None) -> Place | None:
    """Where an instance stood before the task at `position`; None: at its beginning, with its input.

    Without a position it is the task where it stands, or stood when it ended; of one that has completed, the beginning.
    Tasks in sequence hand their data on, so what a task was given is the output of the one that completed before it.
    Raises `NeverThere`.
    """
    own = {task.position: task for task in instance.root_task.children}
    been = [number for number, record in enumerate(history) if record["position"] in own]
    stands = _standing(instance) or (history[been[-1]].get("next") if been else None)
    if position is None:
        if stands not in own:
            return None
        position = stands
    own_ends = [number for number in been if history[number]["position"] == position]
    if position == stands:
        end = len(history)
    elif own_ends:
        end = own_ends[-1]
    else:
        known = dict.fromkeys([*(history[number]["position"] for number in been), *([stands] if stands else [])])
        raise NeverThere(f"{instance.id} has not run {position}; it has run {', '.join(known) or 'none of its tasks'}")
    before = _before(own, history[:end])
    if before and next_position(before[-1]) != position:
        # A retry had begun the list anew.
        return None
    return Place(own[position], before) if before else None


def _before(own: Mapping[str, Task], history: Sequence[Json]) -> Sequence[TaskRecord]:
    """The latest records of the workflow's own tasks that led to each other, each with the context as it then was."""
    found: list[TaskRecord] = []
    places = list(own)
    context: Json = None
    new = False
    for record in history:
        if "context" in record:
            context, new = record["context"], True
        task = own.get(record["position"])
        if task is None:
            continue
        if found and next_position(found[-1]) != task.position:
            found.clear()
            new = context is not None
        then = places.index(record["next"]) if record.get("next") in own else END
        times = record["started_at"], record["ended_at"]
        found.append(
            TaskRecord(task, record["iteration"], record["attempt"], *times, record["output"], then, context, new)
        )
        new = False
    return found


def _standing(instance: Instance) -> str | None:
    for state in instance.live.values():
        outer = state
        while outer.parent is not None and outer.parent.parent is not None:
            outer = outer.parent
        if outer.parent is not None:
            return outer.task.position
    return None
