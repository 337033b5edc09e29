"""Records: an instance as JSON, in the pieces that a commit writes.

A live state is two pieces: `fixed`, written once, and `moving`, written whenever it changes. The head is small and
written with every commit; the large members (input, context, output, error) only when they change. `FORMAT` counts
incompatible changes; a record of a later format is refused, not guessed at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flowrt.core.definition import CONTINUE, END, EXIT, WorkflowDefinition, following
from flowrt.core.fault import Fault
from flowrt.core.instance import Changes, Instance, StateKey, TaskRecord, TaskState
from flowrt.core.signal import held_from_json, held_to_json

Json = Any
FORMAT = 1


class BrokenRecord(Exception):
    """A stored instance cannot be read; the message says what is wrong with it. It is set aside, others go on."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An instance as a store gives it back."""

    head: dict[str, Json]
    fields: Mapping[str, Json]
    live: Sequence[tuple[StateKey, Json, Json]]
    """Key, fixed and moving piece of every live state, in any order."""


def head_of(instance: Instance) -> dict[str, Json]:
    """The small piece written with every commit."""
    head: dict[str, Json] = {
        "format": FORMAT,
        "id": instance.id,
        "namespace": instance.definition.namespace,
        "name": instance.definition.name,
        "version": instance.definition.version,
        "digest": instance.definition.digest,
        "role": instance.role,
        "status": instance.status,
        "started_at": instance.started_at,
        "ended_at": instance.ended_at,
        "revision": instance.revision,
        "sequence": instance.sequence,
        "suspended": instance.suspended,
        "tags": instance.tags,
    }
    if instance.exported:
        head["exported"] = True
    if instance.counters:
        head["counters"] = instance.counters
    if instance.held:
        head["held"] = [held_to_json(signal) for signal in instance.held]
    if instance.depth:
        head["depth"] = instance.depth
    if instance.parent is not None:
        head["parent"] = [instance.parent[0], *instance.parent[1]]
    return head


def field_of(instance: Instance, name: str) -> Json:
    """One of the large members."""
    if name == "error":
        return None if instance.error is None else instance.error.to_json()
    return getattr(instance, name)


def fixed_of(state: TaskState) -> dict[str, Json]:
    """The piece of a live state that does not change."""
    record: dict[str, Json] = {"sequence": state.sequence, "input": state.input}
    if state.parent is not None:
        record["parent"] = [state.parent.task.key, state.parent.iteration]
    if state.entered:
        record["started_at"] = state.started_at
        if state.data is not state.input:
            record["data"] = state.data
    if state.fixed is not None:
        record["fixed"] = state.fixed
    return record


def moving_of(state: TaskState) -> dict[str, Json]:
    """The piece of a live state that changes."""
    record: dict[str, Json] = {"attempt": state.attempt}
    for name in ("round", "run", "timeout_at", "wake_at", "memory", "pinned"):
        value = getattr(state, name)
        if value is not None:
            record[name] = value
    for name in ("entered", "wants_effect", "listening"):
        if getattr(state, name):
            record[name] = True
    return record


def history_of(record: TaskRecord) -> dict[str, Json]:
    """A completed task as the history keeps it; `context` only if it is new with this task.

    A task outside of inner loops tells, too, what a loop before it or inside of it has made new.
    """
    task = record.task
    data: dict[str, Json] = {
        "position": task.position,
        "name": task.name,
        "kind": task.kind,
        "iteration": record.iteration,
        "attempt": record.attempt,
        "started_at": record.started_at,
        "ended_at": record.ended_at,
        "output": record.output,
        "next": next_position(record),
    }
    if record.exported:
        data["context"] = record.context
    return data


def next_position(record: TaskRecord) -> str | None:
    """Where the directive of a completed task led to; None at the end of a list."""
    if record.then == END:
        return None
    task = record.task
    found = task.next if record.then == CONTINUE else None if record.then == EXIT else following(task, record.then)
    return None if found is None else found.position


def pruned_history(changes: Changes) -> list[TaskRecord]:
    """The records of a commit without those of rounds that are already over."""
    if not changes.pruned:
        return changes.history
    below = changes.pruned
    return [record for record in changes.history if record.iteration >= below.get(record.task.loop, 0)]


def restore(stored: Stored, definition: WorkflowDefinition) -> Instance:
    """The instance of a record. Raises `BrokenRecord`."""
    head = stored.head
    if head.get("format") != FORMAT:
        raise BrokenRecord(f"the record has format {head.get('format')}, this version reads {FORMAT}")
    try:
        instance = Instance(head["id"], definition, stored.fields.get("input"), head.get("role", "workflow"))
        instance.changes = Changes()
        instance.status, instance.started_at, instance.ended_at = head["status"], head["started_at"], head["ended_at"]
        instance.revision, instance.sequence = head["revision"], head["sequence"]
        instance.suspended, instance.tags = head["suspended"], head["tags"]
        instance.depth = head.get("depth", 0)
        instance.exported = head.get("exported", False)
        instance.counters = dict(head.get("counters", {}))
        instance.held = [held_from_json(signal) for signal in head.get("held", ())]
        if "parent" in head:
            parent, key, iteration, attempt = head["parent"]
            instance.parent = (parent, (key, iteration, attempt))
        instance.context, instance.output = stored.fields.get("context"), stored.fields.get("output")
        error = stored.fields.get("error")
        instance.error = None if error is None else Fault.from_json(error)
        _restore_live(instance, stored)
    except (KeyError, TypeError, ValueError) as error:
        raise BrokenRecord(f"the record is incomplete or damaged: {type(error).__name__} {error}") from error
    return instance


def _restore_live(instance: Instance, stored: Stored) -> None:
    for key, fixed, moving in sorted(stored.live, key=lambda piece: int(piece[1]["sequence"])):
        task = instance.definition.tasks.get(key[0])
        if task is None:
            raise BrokenRecord(f"the definition has no task at {key[0]}")
        parent = None
        if "parent" in fixed:
            position, iteration = fixed["parent"]
            parent = instance.live.get((position, iteration))
            if parent is None:
                raise BrokenRecord(f"{key[0]} has no record of the task around it, {position}")
        state = TaskState(task, parent, fixed["input"])
        state.iteration, state.sequence = key[1], fixed["sequence"]
        state.data = fixed.get("data", state.input)
        state.started_at = fixed.get("started_at", 0.0)
        state.fixed = fixed.get("fixed")
        for name, value in moving.items():
            setattr(state, name, value)
        instance.live[key] = state
        if parent is None:
            instance.root = state
        else:
            if parent.children is None:
                parent.children = {}
            parent.children[key] = state
    if not instance.ended:
        instance.ready = sorted((s for s in instance.live.values() if not s.entered), key=TaskState.place)
