"""Retry policies: whether to try again, and when."""

from __future__ import annotations

import random
from typing import Any

from flowrt.core.dataflow import truth
from flowrt.core.instance import TaskState
from flowrt.core.machine import Machine
from flowrt.core.reader import Reader
from flowrt.core.template import Template

LONGEST_DELAY_S = 86400.0
BACKOFFS = ("constant", "linear", "exponential")


class Retry:
    """A compiled retry policy (dsl-reference.md, "Retry"); without limits it retries until it works."""

    when: Template | None = None
    except_when: Template | None = None
    delay: Template | None = None
    backoff = "constant"
    count: int | None = None
    attempt_duration: Template | None = None
    duration: Template | None = None
    jitter: tuple[Template, Template] | None = None

    @classmethod
    def parse(cls, reader: Reader) -> Retry:
        policy = cls()
        retry = reader.referenced("retries")
        retry.object(("when", "exceptWhen", "delay", "backoff", "limit", "jitter"))
        policy.when = _expression(retry, "when")
        policy.except_when = _expression(retry, "exceptWhen")
        policy.delay = _duration(retry, "delay")
        if (backoff := retry.get("backoff")) is not None:
            chosen = list(backoff.object(BACKOFFS).value)
            if len(chosen) != 1:
                backoff.problem("a backoff is exactly one of constant, linear, exponential")
            policy.backoff = chosen[0] if chosen and chosen[0] in BACKOFFS else "constant"
        if (jitter := retry.get("jitter")) is not None:
            jitter.object(("from", "to"), required=("from", "to"))
            low, high = _duration(jitter, "from"), _duration(jitter, "to")
            if low is not None and high is not None:
                policy.jitter = (low, high)
        policy._limits(retry)
        return policy

    def _limits(self, retry: Reader) -> None:
        if (limit := retry.get("limit")) is None:
            return
        limit.object(("attempt", "duration"))
        self.duration = _duration(limit, "duration")
        if (attempt := limit.get("attempt")) is not None:
            attempt.object(("count", "duration"))
            if (count := attempt.get("count")) is not None:
                self.count = count.integer(0)
            self.attempt_duration = _duration(attempt, "duration")

    def wants(self, error: Any, state: TaskState, machine: Machine) -> bool:
        """Whether its conditions and its count allow one more retry; the conditions see the error as `.`."""
        if self.count is not None and state.memory["retries"] >= self.count:
            return False
        if self.when is not None and not truth(machine.evaluate(self.when, error, state)):
            return False
        return self.except_when is None or not truth(machine.evaluate(self.except_when, error, state))

    def next_at(self, state: TaskState, machine: Machine) -> float | None:
        """When the next retry begins (epoch seconds); None when that is beyond the duration of all."""
        number = state.memory["retries"] + 1
        delay = machine.evaluate(self.delay, state.data, state) if self.delay is not None else 0.0
        if self.backoff == "linear":
            delay *= number
        elif self.backoff == "exponential":
            delay *= 2.0 ** min(number - 1, 40)
        delay = min(delay, LONGEST_DELAY_S) + self._jitter(state, machine)
        at: float = machine.now + delay
        if self.duration is not None:
            end = state.memory["first_at"] + machine.evaluate(self.duration, state.data, state)
            if at > end:
                return None
        return at

    def _jitter(self, state: TaskState, machine: Machine) -> float:
        if self.jitter is None:
            return 0.0
        low, high = (machine.evaluate(bound, state.data, state) for bound in self.jitter)
        # Seeded by its place, so that a restart draws the same.
        seed = f"{machine.instance.id} {state.task.key} {state.iteration} {state.memory['run']}"
        return random.Random(seed).uniform(low, high)


def _expression(reader: Reader, name: str) -> Template | None:
    found = reader.get(name)
    return None if found is None else found.expression()


def _duration(reader: Reader, name: str) -> Template | None:
    found = reader.get(name)
    return None if found is None else found.duration()
