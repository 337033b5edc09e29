"""`try`: tasks whose faults are caught, retried and handled."""

from __future__ import annotations

from typing import Any

from flowrt.core.dataflow import truth
from flowrt.core.definition import CONTINUE, WAIT, Done, Run, Step, Task, following
from flowrt.core.fault import Fault, canonical_type
from flowrt.core.instance import TaskState
from flowrt.core.keeping import ROUNDS_KEPT
from flowrt.core.machine import Machine
from flowrt.core.reader import Reader
from flowrt.core.template import Template
from flowrt.tasks.common import TaskList, connect
from flowrt.tasks.retry import Retry

FILTERS = ("type", "status", "instance", "title", "details", "detail")


class Try(TaskList):
    """Retry comes first; `catch.do` runs once when retries are used up or refused ("Try", "Catch", "Retry").

    `memory`: `phase` (try, delay, catch), `run` (attempt number of its children), `used` (the highest attempt number
    below it), `retries` of this run of the task, `first_at` (epoch seconds), `error` once one was caught. `wake_at` is
    the end of a delay, or of an attempt. An attempt number is never used twice below a try, whatever tries it holds.
    """

    kind = "try"
    filters: dict[str, Template]
    when: Template | None = None
    except_when: Template | None = None
    retry: Retry | None = None
    endless = False
    """Nothing limits how often it retries."""
    handler: tuple[Task, ...] = ()

    @classmethod
    def parse(cls, reader: Reader) -> Try:
        task = cls()
        task.body = reader.at(reader.value["try"], "try").tasks()
        task.filters = {}
        catch = reader.get("catch")
        if catch is None:
            reader.problem("the required property 'catch' is missing", "Add 'catch: {}' to catch every error.")
            connect(task, task.body)
            return task
        catch.object(("errors", "as", "when", "exceptWhen", "retry", "do"))
        name = catch.get("as")
        task.binds = (name.string() if name is not None else "error",)
        task._parse_catch(catch.binding(*task.binds, "error"))
        connect(task, task.body, task.handler)
        return task

    def _parse_catch(self, catch: Reader) -> None:
        if (errors := catch.get("errors")) is not None:
            errors.object(("with",))
            if (with_ := errors.get("with")) is not None:
                if with_.object(FILTERS).value == {}:
                    with_.problem(
                        "an error filter needs at least one property", "Leave 'with' out to catch every error."
                    )
                for member, filter_ in with_.members():
                    self.filters[member] = filter_.template()
        if (when := catch.get("when")) is not None:
            self.when = when.expression()
        if (except_when := catch.get("exceptWhen")) is not None:
            self.except_when = except_when.expression()
        if (retry := catch.get("retry")) is not None:
            self.retry = Retry.parse(retry)
            # Without a limit attempts are rounds: in the long run the records of old ones go.
            self.endless = self.counts_rounds = self.retry.count is None
        if (do := catch.get("do")) is not None:
            self.handler = do.tasks()

    def enter(self, state: TaskState, machine: Machine) -> Step:
        run = state.attempt
        state.memory = {"phase": "try", "run": run, "used": run, "retries": 0, "first_at": machine.now, "error": None}
        return self._attempt(state, machine)

    def woken(self, state: TaskState, machine: Machine) -> Step:
        if state.memory["phase"] == "delay":
            state.memory = {**state.memory, "phase": "try"}
            return self._attempt(state, machine)
        for child in list((state.children or {}).values()):
            machine.drop(child)
        fault = Fault.of("timeout", "The attempt took longer than 'limit.attempt.duration'.").at(self.position)
        return self._handle(state, fault, machine) if self._takes(state, fault, machine) else fault

    def resume(self, state: TaskState, child: TaskState, output: Any, then: int, machine: Machine) -> Step:
        task = child.task.next if then == CONTINUE else following(child.task, then)
        if 0 <= then <= child.task.index:
            machine.new_round(state)
        return Run(task, output) if task is not None else Done(output)

    def catches(self, state: TaskState, child: TaskState, fault: Fault, machine: Machine) -> bool:
        return state.memory["phase"] == "try" and self._takes(state, fault, machine)

    def failed(self, state: TaskState, child: TaskState, fault: Fault, machine: Machine) -> Step:
        return self._handle(state, fault, machine)

    def variable(self, state: TaskState, name: str) -> Any:
        return None if state.memory is None else state.memory["error"]

    def _takes(self, state: TaskState, fault: Fault, machine: Machine) -> bool:
        error = fault.to_json()
        if not all(self._matches(name, template, error, state, machine) for name, template in self.filters.items()):
            return False
        # The conditions see the error as `.`, `$error` and by its own name, before it is caught.
        memory, state.memory = state.memory, {**state.memory, "error": error}
        try:
            if self.when is not None and not truth(machine.evaluate(self.when, error, state)):
                return False
            return self.except_when is None or not truth(machine.evaluate(self.except_when, error, state))
        finally:
            state.memory = memory

    @staticmethod
    def _matches(name: str, template: Template, error: dict[str, Any], state: TaskState, machine: Machine) -> bool:
        expected = machine.evaluate(template, state.data, state)
        if name == "type":
            return isinstance(expected, str) and canonical_type(expected) == canonical_type(error["type"])
        if name == "details":
            name = "detail"
        return bool(error.get(name) == expected)

    def _handle(self, state: TaskState, fault: Fault, machine: Machine) -> Step:
        memory = state.memory = {**state.memory, "error": fault.to_json()}
        state.wake_at = None
        machine.touch(state)
        if self.retry is not None and self.retry.wants(memory["error"], state, machine):
            at = self.retry.next_at(state, machine)
            if at is not None:
                return self._retry(state, at, machine)
        if self.handler:
            state.memory = {**memory, "phase": "catch"}
            return Run(self.handler[0], state.data)
        return Done(state.data) if self.retry is None else fault

    def _retry(self, state: TaskState, at: float, machine: Machine) -> Step:
        memory = state.memory
        run, retries = memory["used"] + 1, memory["retries"] + 1
        state.memory = {**memory, "run": run, "used": run, "retries": retries, "phase": "delay"}
        machine.use_attempt(state, run)
        machine.fact("retried", self.position)
        if at > machine.now:
            state.wake_at = at
            return WAIT
        state.memory = {**state.memory, "phase": "try"}
        return self._attempt(state, machine)

    def attempted(self, state: TaskState, attempt: int, machine: Machine) -> None:
        if state.memory["used"] < attempt:
            state.memory = {**state.memory, "used": attempt}
            machine.touch(state)

    def _attempt(self, state: TaskState, machine: Machine) -> Step:
        state.run = state.memory["run"]
        if self.retry is not None and self.retry.attempt_duration is not None:
            state.wake_at = machine.now + machine.evaluate(self.retry.attempt_duration, state.data, state)
        if self.endless and state.memory["retries"] >= ROUNDS_KEPT:
            machine.new_round(state)
        machine.touch(state)
        return self.begin(state, state.data, machine)
