"""The machine: every transfer of control in one loop.

`advance` moves an instance until everything waits or the budget of steps is used up. `pending` lists the effects the
world owes it. No asyncio, no I/O, no clock, no randomness: `now` is an argument, jitter is seeded by its place.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from flowrt.core import dataflow
from flowrt.core.definition import END, Done, Run, RunAll, Skipped, Step, Subscription, Wait
from flowrt.core.effect import Effect
from flowrt.core.environment import fault_of
from flowrt.core.expression import ExpressionFailed
from flowrt.core.fault import Fault, Faulted
from flowrt.core.instance import (
    CANCELLED,
    COMPLETED,
    FAULTED,
    RUNNING,
    SUSPENDED,
    WAITING,
    Instance,
    TaskRecord,
    TaskState,
)
from flowrt.core.keeping import Keeping
from flowrt.core.signal import Arrived, Cancel, Completed, Failed, Resume, Signal, Suspend

Json = Any

STEPS_A_TURN = 1000
ATTEMPTS = "#attempts"
"""Counts the highest attempt number of an instance, among its loops' rounds."""


class Machine(Keeping):
    """Advances one instance at a time; holds nothing between two calls but the environment."""

    def advance(self, instance: Instance, signal: Signal, now: float, budget: int = STEPS_A_TURN) -> bool:
        """Moves `instance` by one signal, at `now` (epoch seconds), for at most `budget` tasks begun.

        True if the signal is an event that a task has taken, or may yet take when the instance is resumed.

        One that is pending begins. What changed is in `instance.changes`. `instance.ready` is not empty when the
        budget ended first: a `Tick` goes on. Deadlines that came before the signal are dealt with first. An ended
        instance stays as it is.
        """
        if instance.ended:
            return False
        self.instance, self.now, self.budget = instance, now, budget
        if instance.suspended and not isinstance(signal, Resume | Cancel):
            return self._hold(signal)
        if not isinstance(signal, Cancel | Resume):
            self._deadlines()
        heard = self._take(signal)
        self._go_on()
        return heard

    def pending(self, instance: Instance, now: float) -> list[Effect | Failed]:
        """The effects the world owes it, evaluated; `Failed` in place of one whose arguments no longer evaluate."""
        self.instance, self.now = instance, now
        effects: list[Effect | Failed] = []
        for state in instance.effects_wanted():
            if state.wanted is None:
                context, instance.context = instance.context, state.pinned[0] if state.pinned else instance.context
                try:
                    state.wanted = state.task.effect(state, self)
                except (ExpressionFailed, Faulted) as error:
                    effects.append(Failed(state.effect_key, fault_of(error)))
                    continue
                finally:
                    instance.context = context
            effects.append(state.wanted)
        return effects

    def subscriptions(self, instance: Instance, now: float) -> list[Subscription]:
        """What it listens for, to be indexed."""
        self.instance, self.now = instance, now
        return [found for state in instance.listeners() for found in state.task.subscriptions(state, self)]

    def use_attempt(self, state: TaskState, attempt: int) -> None:
        """Tells the tasks around a state that an attempt number is used: it names no other run below them."""
        counters = self.instance.counters
        counters[ATTEMPTS] = max(counters.get(ATTEMPTS, 0), attempt)
        self.instance.changes.head = True
        outer = state.parent
        while outer is not None:
            outer.task.attempted(outer, attempt, self)
            outer = outer.parent

    # Signals

    def _take(self, signal: Signal) -> bool:
        match signal:
            case Completed(key, outcome):
                state = self._waiting_for(key)
                if state is not None:
                    state.authorization = outcome.authorization
                    self._run(state, partial(state.task.completed, state, outcome, self))
            case Failed(key, fault):
                state = self._waiting_for(key)
                if state is not None:
                    self._run(state, partial(state.task.effect_failed, state, fault, self))
            case Arrived(event):
                return self._hear(event)
            case Suspend():
                self._suspend()
            case Resume():
                self._resume()
            case Cancel():
                self.fact("cancelled")
                self._end(CANCELLED)
        return False

    def _hear(self, event: dict[str, Json]) -> bool:
        heard = False
        for state in self.instance.listeners():
            if self.instance.live.get(state.key) is state:
                memory = state.memory
                self._run(state, partial(state.task.arrived, state, event, self))
                heard = heard or state.memory is not memory
        return heard

    def _start(self) -> None:
        instance = self.instance
        instance.status, instance.started_at = RUNNING, self.now
        instance.root = TaskState(instance.root_task, None, instance.input)
        self.fact("started")
        self._begin(instance.root)

    def _waiting_for(self, key: tuple[str, int, int]) -> TaskState | None:
        state = self.instance.live.get((key[0], key[1]))
        if state is None or not state.wants_effect or state.attempt != key[2]:
            return None
        state.wants_effect, state.wanted, state.pinned = False, None, None
        self.touch(state)
        return state

    def _hold(self, signal: Signal) -> bool:
        heard = isinstance(signal, Arrived) and bool(self.instance.listeners())
        if isinstance(signal, Completed | Failed):
            self._hold_result(signal)
        elif heard:
            self.instance.held.append(signal)
        self.instance.changes.head = True
        return heard

    def _hold_result(self, signal: Completed | Failed) -> None:
        state = self.instance.live.get((signal.key[0], signal.key[1]))
        held = {known.key for known in self.instance.held if isinstance(known, Completed | Failed)}
        if state is not None and state.wants_effect and signal.key not in held:
            self.instance.held.append(signal)

    def _suspend(self) -> None:
        self.instance.suspended = True
        self.instance.changes.head = True
        self.fact("suspended")

    def _resume(self) -> None:
        instance = self.instance
        if not instance.suspended:
            return
        instance.suspended = False
        instance.changes.head = True
        self.fact("resumed")
        held, instance.held = instance.held, []
        for signal in held:
            self._take(signal)
            if instance.ended:
                return

    # The loop

    def _go_on(self) -> None:
        instance = self.instance
        if instance.root is None and not (instance.suspended or instance.ended):
            self._start()
        self._deadlines()
        while instance.ready and self.budget > 0 and not instance.ended and not instance.suspended:
            self._begin(instance.ready.pop(0))
        self._settle()

    def _begin(self, state: TaskState) -> None:
        self._run(state, None)

    def _run(self, state: TaskState, first: Callable[[], Step] | None) -> None:
        """Runs from a state on until everything it leads to waits. `first` gives its step; without, it begins."""
        step: Step | None = None
        while True:
            try:
                if first is not None:
                    step, first = first(), None
                elif step is None:
                    if self.budget <= 0:
                        return self.postpone(state)
                    step = self._enter(state)
                shape = step.__class__
                if shape is Done:
                    output, then = self._leave(state, step)  # type: ignore[arg-type]
                    child, parent = state, state.parent
                    if parent is None:
                        return self._complete(output)
                    if then == END:
                        return self._finish(output)
                    state = parent
                    step = parent.task.resume(parent, child, output, then, self)
                elif shape is Run:
                    state, step = TaskState(step.task, state, step.input), None  # type: ignore[union-attr]
                elif shape is Wait:
                    return self.attach(state)
                elif shape is Skipped:
                    child, parent, then = state, state.parent, state.task.then
                    if child.sequence:
                        self.detach(child)
                    if parent is None or then == END:
                        return self._finish(step.output)  # type: ignore[union-attr]
                    state = parent
                    step = parent.task.resume(parent, child, step.output, then, self)  # type: ignore[union-attr]
                elif shape is RunAll:
                    return self._run_all(state, step)  # type: ignore[arg-type]
                else:
                    handler = self._catch(state, step)  # type: ignore[arg-type]
                    if handler is None:
                        return None
                    state, first = handler
            except (ExpressionFailed, Faulted) as error:
                step = fault_of(error)
            except RecursionError:
                step = Fault.of("runtime", "The data or the definition is nested too deeply.")

    def _enter(self, state: TaskState) -> Step:
        self.budget -= 1
        task = state.task
        state.started_at = self.now
        if state.sequence:
            self.renew(state)
        if self.instance.facts is not None and not task.hidden and state.parent is not None:
            self.fact("created", task.position)
            self.fact("started", task.position)
        if not task.plain_entry:
            skipped = dataflow.enter(state, self)
            if skipped is not None:
                return skipped
        state.entered = True
        return task.enter(state, self)

    def _leave(self, state: TaskState, done: Done) -> tuple[Json, int]:
        task, output = state.task, done.output
        then = task.then if done.then is None else done.then
        self._exported = False
        if not task.plain_exit:
            output = dataflow.leave(state, output, self)
        if state.sequence:
            self.detach(state)
        if not task.hidden:
            instance = self.instance
            if instance.exported and not task.loop:
                # The records of an inner loop's rounds go, this one stays: it tells a fork what the context was.
                self._exported, instance.exported = True, False
            instance.changes.history.append(
                TaskRecord(
                    task,
                    state.iteration,
                    state.attempt,
                    state.started_at,
                    self.now,
                    output,
                    then,
                    instance.context,
                    self._exported,
                )
            )
            if instance.facts is not None:
                self.fact("completed", task.position, output=output)
        return output, then

    def _run_all(self, state: TaskState, step: RunAll) -> None:
        self.postpone(*(TaskState(task, state, data) for task, data in step.children))

    def postpone(self, *states: TaskState) -> None:
        """Has states begin when all that runs now waits."""
        for state in states:
            self.attach(state)
        # In the order that restore finds: what a crash comes between must not depend on it.
        self.instance.ready = sorted((*self.instance.ready, *states), key=TaskState.place)

    def _catch(self, origin: TaskState, fault: Fault) -> tuple[TaskState, Callable[[], Step]] | None:
        """Finds who deals with a fault, before anything is unwound; with nobody, the instance is faulted.

        The tree of a faulted instance stays as it was, with the failed task yet to begin, so that `retry` can go on.
        """
        fault = fault.at(origin.task.position or "/")
        if not origin.task.hidden:
            self.fact("faulted", origin.task.position, error=fault.to_json())
        child, node = origin, origin.parent
        while node is not None:
            try:
                caught = node.task.catches(node, child, fault, self)
            except (ExpressionFailed, Faulted) as error:
                fault, caught = fault_of(error).at(node.task.position), False
            if caught:
                if child.sequence:
                    self.detach(child)
                return node, partial(node.task.failed, node, child, fault, self)
            child, node = node, node.parent
        self.fault(origin, fault)
        return None

    # Ends

    def _finish(self, output: Json) -> None:
        """Ends the workflow from inside, with what is then its raw output."""
        root = self.instance.root
        assert root is not None
        if root.entered and not root.task.plain_exit:
            try:
                output = dataflow.leave(root, output, self)
            except (ExpressionFailed, Faulted) as error:
                return self.fault(root, fault_of(error).at("/"))
        return self._complete(output)

    def _complete(self, output: Json) -> None:
        self.instance.output = output
        self.instance.changes.fields.add("output")
        self.fact("completed", output=output)
        return self._end(COMPLETED)

    def fault(self, origin: TaskState, fault: Fault) -> None:
        """Ends the instance with a fault that nobody has caught; `origin` is the task that `retry` runs again."""
        instance = self.instance
        for state in list(origin.subtree())[1:]:
            self.detach(state)
        origin.entered = origin.wants_effect = origin.listening = False
        origin.memory = origin.fixed = origin.wanted = origin.wake_at = origin.pinned = None
        origin.data = origin.input
        self.attach(origin)
        self.renew(origin)
        instance.error, instance.status, instance.ended_at = fault, FAULTED, self.now
        instance.ready = []
        instance.changes.head = instance.changes.listeners = True
        instance.changes.fields.add("error")
        self.fact("faulted", error=fault.to_json())

    def _end(self, status: str) -> None:
        instance = self.instance
        instance.status, instance.ended_at = status, self.now
        for key in instance.live:
            instance.changes.states[key] = None
        instance.live, instance.ready, instance.held = {}, [], []
        instance.suspended = False
        instance.changes.head = instance.changes.listeners = True

    def _settle(self) -> None:
        instance = self.instance
        if instance.ended:
            return
        if instance.suspended:
            status = SUSPENDED
        elif instance.ready or any(state.wants_effect for state in instance.live.values()):
            status = RUNNING
        else:
            status = WAITING
        if status != instance.status:
            instance.status = status
            instance.changes.head = True

    def _deadlines(self) -> None:
        """Deals with the deadlines that have come, the earliest first."""
        while not self.instance.ended and not self.instance.suspended:
            due = self.earliest_due()
            if due is None:
                return
            at, is_timeout, state = due
            if is_timeout:
                state.timeout_at = None
                fault = Fault.of("timeout", f"It took longer than it may (until {at:.3f}).")
                for child in list(state.subtree())[1:]:
                    self.detach(child)
                self._run(state, lambda: fault)  # noqa: B023 (run before the next turn)
            else:
                state.wake_at = None
                self.touch(state)
                self._run(state, partial(state.task.woken, state, self))
