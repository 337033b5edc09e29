"""`schedule`: starts instances of a workflow by interval, cron, after completion, or on events.

A schedule is an instance of its own, of the same definition, with this task as its root: it is checkpointed and
restored like any other. Source: dsl-reference.md, "Schedule"; dsl.md, "Scheduling".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flowrt.core.definition import WAIT, Done, Step, Subscription
from flowrt.core.effect import Effect, Outcome
from flowrt.core.fault import Fault
from flowrt.core.instance import TaskState
from flowrt.core.machine import Machine
from flowrt.core.reader import Reader
from flowrt.core.template import Template
from flowrt.tasks.common import place
from flowrt.tasks.consumption import Strategy
from flowrt.tasks.effect_task import EffectTask

Json = Any
KEY = "/schedule"


def read_schedule(reader: Reader) -> Schedule | None:
    """The schedule that stands there."""
    reader.object(("every", "cron", "after", "on"))
    chosen = [name for name in ("every", "cron", "after", "on") if reader.get(name) is not None]
    if len(chosen) != 1:
        reader.problem("a schedule is exactly one of every, cron, after, on")
        return None
    found = reader.get(chosen[0])
    assert found is not None
    schedule: Schedule
    if chosen[0] == "on":
        schedule = OnEvents()
        schedule.strategy = Strategy(found)
    elif chosen[0] == "cron":
        schedule = Cron()
        schedule.expression = found.string(_is_cron, "a cron expression of five fields (six with seconds first)")
    else:
        schedule = Every() if chosen[0] == "every" else After()
        schedule.interval = found.duration()
    place(schedule, reader, "schedule", 0, key=KEY)
    return schedule


class Schedule(EffectTask):
    """Fires again and again. `memory`: `next_at` (epoch seconds) of the next fire, or the events collected so far.

    `state.attempt` counts the fires, so that each start has a key, and its instance an id, of its own.
    """

    kind = "schedule"
    hidden = True
    effect_kind = "workflow"
    detached = True

    def fire(self, state: TaskState, machine: Machine) -> Step:
        """Starts one instance."""
        state.wants_effect, state.wanted = True, None
        machine.touch(state)
        return WAIT

    def effect(self, state: TaskState, machine: Machine) -> Effect:
        definition = machine.instance.definition
        target = {"namespace": definition.namespace, "name": definition.name, "version": definition.version}
        return Effect(
            self.effect_kind,
            {**target, "input": self.fire_input(state), "digest": definition.digest},
            machine.instance.id,
            KEY,
            0,
            state.attempt,
            self.name,
            (definition.namespace, definition.name, definition.version),
            None,
            self.detached,
            definition.base_uri,
            state.effect_key,
        )

    def fire_input(self, state: TaskState) -> Json:
        """The input of the instance to start."""
        return {}

    def completed(self, state: TaskState, outcome: Outcome, machine: Machine) -> Step:
        state.attempt += 1
        machine.touch(state)
        return self.fired(state, machine)

    def effect_failed(self, state: TaskState, fault: Fault, machine: Machine) -> Step:
        # What becomes of one instance does not end the schedule.
        return self.completed(state, Outcome(None), machine)

    def fired(self, state: TaskState, machine: Machine) -> Step:
        """An instance was started (or has ended, for `after`)."""
        return Done(None)


class Timed(Schedule):
    """Fires at times that follow one another."""

    def following(self, at: float, state: TaskState, machine: Machine) -> float:
        """The time of the fire after the one at `at`."""
        raise TypeError(f"{type(self).__name__} does not say when")

    def enter(self, state: TaskState, machine: Machine) -> Step:
        return self._wait_until(self.following(machine.now, state, machine), state, machine)

    def woken(self, state: TaskState, machine: Machine) -> Step:
        following = self.following(state.memory["next_at"], state, machine)
        if following <= machine.now and machine.environment.catch_up == "none":
            return self._wait_until(self._after(machine.now, following, state, machine), state, machine)
        return self.fire(state, machine)

    def fired(self, state: TaskState, machine: Machine) -> Step:
        following = self.following(state.memory["next_at"], state, machine)
        if following <= machine.now and machine.environment.catch_up != "all":
            following = self._after(machine.now, following, state, machine)
        return self._wait_until(following, state, machine)

    def _after(self, now: float, at: float, state: TaskState, machine: Machine) -> float:
        return self.following(now, state, machine)

    @staticmethod
    def _wait_until(at: float, state: TaskState, machine: Machine) -> Step:
        state.memory = {"next_at": at}
        state.wake_at = at
        machine.touch(state)
        return WAIT


class Every(Timed):
    """Fires after each interval, whether the run before has ended or not."""

    interval: Template

    def following(self, at: float, state: TaskState, machine: Machine) -> float:
        seconds: float = max(machine.evaluate(self.interval, state.data, state), 0.001)
        return at + seconds

    def _after(self, now: float, at: float, state: TaskState, machine: Machine) -> float:
        seconds = max(machine.evaluate(self.interval, state.data, state), 0.001)
        return float(at + (int((now - at) // seconds) + 1) * seconds)


class Cron(Timed):
    """Fires when its cron expression says so, in the environment's time zone."""

    expression: str

    def following(self, at: float, state: TaskState, machine: Machine) -> float:
        from datetime import datetime
        from zoneinfo import ZoneInfo

        zone = ZoneInfo(machine.environment.timezone)
        return float(_cron(self.expression, datetime.fromtimestamp(at, zone)).get_next(float))


class After(Schedule):
    """Fires once when it is deployed, then that long after each completion."""

    interval: Template
    detached = False

    def enter(self, state: TaskState, machine: Machine) -> Step:
        return self.fire(state, machine)

    def woken(self, state: TaskState, machine: Machine) -> Step:
        return self.fire(state, machine)

    def fired(self, state: TaskState, machine: Machine) -> Step:
        state.wake_at = machine.now + max(machine.evaluate(self.interval, state.data, state), 0.001)
        machine.touch(state)
        return WAIT


class OnEvents(Schedule):
    """Fires when its strategy is satisfied; the input is the array of the events.

    `memory`: `progress` and `events` of the coming fire, `queue` of the inputs whose instances are yet to be started.
    """

    strategy: Strategy

    def enter(self, state: TaskState, machine: Machine) -> Step:
        state.memory = {"progress": self.strategy.begin(state, machine), "events": [], "queue": []}
        machine.listen(state)
        return WAIT

    def arrived(self, state: TaskState, event: dict[str, Json], machine: Machine) -> Step:
        memory = state.memory
        progress, consumed, satisfied = self.strategy.offer(memory["progress"], event, state, machine)
        if not consumed and progress is memory["progress"]:
            return WAIT
        events = [*memory["events"], event] if consumed else memory["events"]
        machine.touch(state)
        if not satisfied and not self.strategy.holds(events, state, machine):
            state.memory = {**memory, "progress": progress, "events": events}
            return WAIT
        progress = self.strategy.begin(state, machine)
        state.memory = {"progress": progress, "events": [], "queue": [*memory["queue"], events]}
        return WAIT if state.wants_effect else self.fire(state, machine)

    def fire_input(self, state: TaskState) -> Json:
        return state.memory["queue"][0]

    def fired(self, state: TaskState, machine: Machine) -> Step:
        state.memory = {**state.memory, "queue": state.memory["queue"][1:]}
        return self.fire(state, machine) if state.memory["queue"] else WAIT

    def subscriptions(self, state: TaskState, machine: Machine) -> Sequence[Subscription]:
        return self.strategy.subscriptions(state.memory["progress"], state, machine)


def _is_cron(text: str) -> bool:
    from datetime import UTC, datetime

    try:
        _cron(text, datetime(2026, 1, 1, tzinfo=UTC)).get_next(float)
    except (ValueError, KeyError):
        return False
    return True


def _cron(text: str, start: Any) -> Any:
    from croniter import croniter

    fields = text.split()
    if len(fields) not in (5, 6):
        raise ValueError(f"{len(fields)} fields")
    return croniter(text, start, second_at_beginning=len(fields) == 6)
