"""Descriptions: an instance as users see it, live or stored."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flowrt.core.definition import WorkflowDefinition
from flowrt.core.instance import Instance, TaskState
from flowrt.core.records import BrokenRecord, Stored, restore
from flowrt.runtime.checkpoint import entry_of
from flowrt.stores.protocol import Entry

Json = Any


def describe(instance: Instance) -> dict[str, Json]:
    """Its identity, data, where it stands and what it waits for."""
    description = summarize(entry_of(instance))
    description |= {
        "input": instance.input,
        "context": instance.context,
        "output": instance.output,
        "error": None if instance.error is None else instance.error.to_json(),
        "standing": [] if instance.ended else standing(instance),
    }
    return description


def standing(instance: Instance) -> list[Json]:
    """Where it stands: each task that waits or has yet to begin, and for what."""
    return [_stand(state) for state in list(instance.live.values()) if not state.children]


def _stand(state: TaskState) -> Json:
    place: dict[str, Json] = {
        "position": state.task.position,
        "iteration": state.iteration,
        "attempt": state.attempt,
        "waitsFor": _reason(state),
    }
    if state.wake_at is not None:
        place["until"] = iso(state.wake_at)
    if state.timeout_at is not None:
        place["timeout"] = iso(state.timeout_at)
    return place


def _reason(state: TaskState) -> str:
    if state.listening:
        return "event"
    if state.wants_effect:
        return str(getattr(state.task, "effect_kind", "effect"))
    return "time" if state.wake_at is not None else "turn"


def describe_stored(stored: Stored, definition: WorkflowDefinition | None) -> dict[str, Json]:
    """The same of a record; without its definition what the record itself says."""
    if definition is not None:
        try:
            return describe(restore(stored, definition))
        except BrokenRecord as error:
            return {"id": stored.head.get("id"), "status": "aside", "reason": str(error)}
    head = stored.head
    return {
        **{name: head.get(name) for name in ("id", "namespace", "name", "version", "status", "tags")},
        **dict(stored.fields),
        "reason": "its definition is not there any more",
    }


def describe_entry(instance: Instance) -> Entry:
    """What a list shows of it."""
    return entry_of(instance)


def summarize(entry: Entry) -> dict[str, Json]:
    """An entry as a list shows it."""
    return {
        "id": entry.id,
        "namespace": entry.namespace,
        "name": entry.name,
        "version": entry.version,
        "status": entry.status,
        "startedAt": iso(entry.started_at),
        "endedAt": iso(entry.ended_at),
        "wakeAt": iso(entry.wake_at),
        "tags": dict(entry.tags),
        "parent": entry.parent,
    }


def iso(at: float | None) -> str | None:
    """Epoch seconds as RFC 3339, UTC."""
    return (
        None
        if at is None
        else datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


def describe_task(record: Json) -> dict[str, Json]:
    """A completed task of the history as users see it."""
    return {
        **{name: record.get(name) for name in ("position", "name", "kind", "iteration", "attempt")},
        "startedAt": iso(record.get("started_at")),
        "endedAt": iso(record.get("ended_at")),
        "output": record.get("output"),
        "next": record.get("next"),
        **({"context": record["context"]} if "context" in record else {}),
    }
