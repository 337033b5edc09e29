"""Interventions: what operators do to an instance beside signals. Both only mark what is to run; a signal runs it."""

from __future__ import annotations

from collections.abc import Sequence

from flowrt.core import dataflow
from flowrt.core.definition import Task
from flowrt.core.environment import fault_of
from flowrt.core.expression import ExpressionFailed
from flowrt.core.fault import Faulted
from flowrt.core.instance import RUNNING, Instance, TaskRecord, TaskState
from flowrt.core.machine import ATTEMPTS, Machine


def retry(machine: Machine, instance: Instance, now: float) -> None:
    """Takes a faulted instance back to the task that failed: the next signal runs it again.

    Whatever begins again is a new attempt: an effect that has failed, or was cancelled, does not come back.
    """
    machine.instance, machine.now = instance, now
    instance.status, instance.error, instance.ended_at = RUNNING, None, None
    instance.changes.head = instance.changes.listeners = True
    instance.changes.fields.add("error")
    attempt = instance.counters.get(ATTEMPTS, 0) + 1
    for state in instance.live.values():
        if state.timeout_at is not None:
            state.timeout_at = None
            machine.touch(state)
        if state.wants_effect or not state.entered:
            state.attempt, state.wanted, state.pinned = attempt, None, None
            machine.touch(state)
            machine.use_attempt(state, attempt)
    instance.ready = sorted((s for s in instance.live.values() if not s.entered), key=TaskState.place)
    machine.fact("resumed")


def begin_at(machine: Machine, instance: Instance, task: Task, before: Sequence[TaskRecord], now: float) -> None:
    """Puts a pending instance before a task of the workflow's own list: the next signal runs it.

    `before` are tasks of the list that have completed, elsewhere; they become this instance's history, and the last one
    hands its output and context on.
    """
    machine.instance, machine.now = instance, now
    instance.status, instance.started_at, instance.context = RUNNING, now, before[-1].context
    instance.changes.fields.add("context")
    instance.changes.history.extend(before)
    root = instance.root = TaskState(instance.root_task, None, instance.input)
    if root.task.counts_rounds:
        # What goes on is a round that those before have not been in.
        instance.counters[root.task.key] = 1 + max(record.iteration for record in before)
        machine.new_round(root)
    machine.fact("started")
    try:
        dataflow.enter(root, machine)
    except (ExpressionFailed, Faulted) as error:
        machine.fault(root, fault_of(error).at("/"))
        return
    root.started_at, root.entered = now, True
    machine.postpone(TaskState(task, root, before[-1].output))
