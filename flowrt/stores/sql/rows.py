"""What a batch writes, as rows: the plan of one commit, made before a connection is taken.

A task has one row per iteration (the guide's key): its live state, or the record of its latest completion. A record
that a later attempt displaces goes to the table of earlier ones, so that the history keeps all of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flowrt.core.instance import ENDED, PHASES, StateKey
from flowrt.stores.codec import Codec
from flowrt.stores.protocol import Batch, Checkpoint
from flowrt.stores.sql.bulk import Change, Row, Where
from flowrt.stores.sql.tables import COMPLETED, LIVE, RETRIED
from flowrt.stores.sql.text import shortened
from flowrt.stores.sql.types import instant

Json = Any

LARGE = ("input", "context", "output", "error")
KEPT = ("subscriptions", *LARGE)
INSTANCE = (
    "workflow_namespace",
    "workflow_name",
    "workflow_version",
    "digest",
    "role",
    "status",
    "started_at",
    "started_epoch",
    "ended",
    "ended_epoch",
    "wake_epoch",
    "parent",
    "tags",
    "token",
    "revision",
    "head",
)
NEW_INSTANCE = ("instance_id", *INSTANCE, *KEPT)
INSTANCE_CHANGE = Change(INSTANCE, KEPT)
BY_INSTANCE = Where(("instance_id",))
TASK_KEY = ("process_instance_id", "json_pointer", "iteration")
NEW_TASK = (
    *TASK_KEY,
    "task_type",
    "is_end_node",
    "retry_attempt",
    "instant",
    "next_position",
    "context",
    "model",
    "full_pointer",
    "loop_pointer",
    "sequence",
    "fixed",
    "details",
)
MOVED = Change(("task_type", "retry_attempt", "instant", "model"))
EARLIER = (*TASK_KEY, "sequence", "loop_pointer", "retry_attempt", "details", "context", "model")
LIVE_TASK = Where(TASK_KEY, completed=False)
COMPLETED_TASK = Where(TASK_KEY, completed=True)
PRUNED_TASK = Where(("process_instance_id", "loop_pointer"), "iteration", completed=True)
PRUNED_EARLIER = Where(("process_instance_id", "loop_pointer"), "iteration")
TAG = ("instance_id", "name", "value", "started_epoch")


@dataclass(slots=True)
class Plan:
    """The rows of one commit, of every kind."""

    created: list[Row] = field(default_factory=list)
    changed: list[Row] = field(default_factory=list)
    tags: dict[str, tuple[bytes, list[Row]]] = field(default_factory=dict)
    """By instance: the encoded tags, and the rows that find them."""
    unlived: list[Row] = field(default_factory=list)
    """Keys of live rows that go or are written anew."""
    tasks: list[Row] = field(default_factory=list)
    moved: list[Row] = field(default_factory=list)
    earlier: list[Row] = field(default_factory=list)
    retried: list[Row] = field(default_factory=list)
    """Keys whose row may hold the record of an earlier attempt."""
    pruned: list[Row] = field(default_factory=list)

    def task_keys(self) -> list[Row]:
        """The keys of all rows in `tasks`."""
        return [row[:3] for row in self.tasks]


@dataclass(slots=True)
class Rows:
    """Turns batches into plans."""

    codec: Codec
    pointer_bytes: int
    """Longer pointers are shortened in the key, and kept whole beside it."""

    def plan(self, batch: Batch, token: int) -> Plan:
        """The plan of a batch."""
        plan = Plan()
        for checkpoint in batch.checkpoints:
            self._instance(plan, checkpoint, token)
            self._tasks(plan, checkpoint)
        return plan

    def _instance(self, plan: Plan, checkpoint: Checkpoint, token: int) -> None:
        entry, encode = checkpoint.entry, self.codec.encode
        tags = encode(dict(entry.tags))
        subscriptions = checkpoint.subscriptions
        row = (
            entry.id,
            entry.namespace,
            entry.name,
            entry.version,
            entry.digest,
            entry.role,
            PHASES.index(entry.status),
            instant(entry.started_at) or 0.0,
            entry.started_at,
            int(entry.status in ENDED),
            entry.ended_at,
            entry.wake_at,
            entry.parent,
            tags,
            token,
            checkpoint.revision,
            encode(checkpoint.head),
            None if subscriptions is None else encode([[s.type, s.expression, s.value] for s in subscriptions]),
            *(encode(checkpoint.fields[name]) if name in checkpoint.fields else None for name in LARGE),
        )
        (plan.created if checkpoint.revision == 1 else plan.changed).append(row)
        plan.tags[entry.id] = (tags, [(entry.id, *tag_key(tag), entry.started_at) for tag in entry.tags.items()])

    def _tasks(self, plan: Plan, checkpoint: Checkpoint) -> None:
        id_ = checkpoint.entry.id
        rows: dict[StateKey, Row] = {}
        if checkpoint.history:
            self._history(plan, checkpoint, rows)
        for key, pieces in checkpoint.live.items():
            if pieces is None:
                plan.unlived.append((id_, shortened(key[0], self.pointer_bytes), key[1]))
            elif pieces[0] is None:
                plan.moved.append((id_, shortened(key[0], self.pointer_bytes), key[1], *self._moving(pieces[1])))
            else:
                row = self._live(id_, key, pieces)
                if checkpoint.revision > 1:
                    # Before its first revision an instance has no rows that could be in the way.
                    plan.unlived.append(row[:3])
                if key in rows:
                    plan.earlier.append(as_earlier(rows[key]))
                elif row[5] and checkpoint.revision > 1:
                    plan.retried.append(row[:3])
                rows[key] = row
        plan.tasks.extend(rows.values())
        for loop, below in checkpoint.pruned.items():
            plan.pruned.append((id_, shortened(loop, self.pointer_bytes), below))

    def _history(self, plan: Plan, checkpoint: Checkpoint, rows: dict[StateKey, Row]) -> None:
        encode, limit = self.codec.encode, self.pointer_bytes
        id_, sequence = checkpoint.entry.id, checkpoint.revision << 32
        for loop, record in checkpoint.history:
            position, iteration, following = record["position"], record["iteration"], record.get("next")
            details = record.copy()
            details.pop("output", None)
            details.pop("context", None)
            row = (
                id_,
                shortened(position, limit),
                iteration,
                COMPLETED,
                following is None,
                record.get("attempt"),
                instant(record.get("ended_at")),
                None if following is None else shortened(following, limit),
                encode(record["context"]) if "context" in record else None,
                encode(record["output"]) if "output" in record else None,
                None,
                shortened(loop, limit) if loop else None,
                sequence,
                None,
                encode(details),
            )
            sequence += 1
            key = (position, iteration)
            if key in rows:
                plan.earlier.append(as_earlier(rows[key]))
            elif row[5] and checkpoint.revision > 1:
                plan.retried.append(row[:3])
            rows[key] = row

    def _live(self, id_: str, key: StateKey, pieces: tuple[Json, Json]) -> Row:
        pointer = shortened(key[0], self.pointer_bytes)
        fixed, moving = pieces
        task_type, attempt, at, model = self._moving(moving)
        whole = None if pointer == key[0] else key[0].encode()
        fixed = self.codec.encode(fixed)
        return (id_, pointer, key[1], task_type, None, attempt, at, None, None, model, whole, None, None, fixed, None)

    def _moving(self, moving: Mapping[str, Json]) -> Row:
        run, deadlines = moving.get("run"), [at for at in (moving.get("wake_at"), moving.get("timeout_at")) if at]
        attempt = run or moving.get("attempt", 0)
        return RETRIED if run else LIVE, attempt, instant(min(deadlines, default=None)), self.codec.encode(moving)


def as_earlier(task: Row) -> Row:
    """The row of a completed task for the table of earlier ones."""
    values = dict(zip(NEW_TASK, task, strict=True))
    return tuple(values[name] for name in EARLIER)


def tag_key(tag: tuple[str, str]) -> tuple[str, str]:
    """A tag as its columns hold it."""
    return shortened(tag[0], 100), shortened(tag[1], 100)


def event_key(event: tuple[str, str]) -> tuple[str, str]:
    """Source and id of an event as their columns hold them."""
    return shortened(event[0], 255), shortened(event[1], 255)


def registration(application: str) -> str:
    """What the outbox of an application is registered as among the guide's events."""
    return "outbox:" + (application if len(application) <= 200 else hashlib.sha256(application.encode()).hexdigest())
