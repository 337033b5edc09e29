"""From what changed in an instance to the checkpoint that a store writes."""

from __future__ import annotations

from flowrt.core.instance import Instance
from flowrt.core.machine import Machine
from flowrt.core.records import field_of, fixed_of, head_of, history_of, moving_of, pruned_history
from flowrt.stores.protocol import Checkpoint, Entry


def entry_of(instance: Instance) -> Entry:
    """What finds the instance without reading it."""
    definition = instance.definition
    return Entry(
        instance.id,
        definition.namespace,
        definition.name,
        definition.version,
        definition.digest,
        instance.role,
        instance.status,
        instance.started_at,
        instance.ended_at,
        instance.wake_at(),
        instance.tags,
        instance.parent[0] if instance.parent is not None else None,
    )


def take_checkpoint(instance: Instance, machine: Machine, now: float) -> Checkpoint:
    """What has changed since the last one; from here on the instance collects anew."""
    changes = instance.take_changes()
    return Checkpoint(
        entry_of(instance),
        instance.revision,
        head_of(instance),
        {name: field_of(instance, name) for name in changes.fields},
        {
            key: None if state is None else (fixed_of(state) if key in changes.born else None, moving_of(state))
            for key, state in changes.states.items()
        },
        [(record.task.loop, history_of(record)) for record in pruned_history(changes)],
        dict(changes.pruned),
        machine.subscriptions(instance, now) if changes.listeners else None,
        changes.emitted,
    )
