"""Data flow: `if`, input, the task, output, export. The specification's diagram as two functions.

Source: dsl.md, "Data Flow". Failing schemas raise `Faulted` (validation, 400), failing expressions `ExpressionFailed`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowrt.core.definition import CheckSchema, Skipped
from flowrt.core.fault import Fault, Faulted

if TYPE_CHECKING:
    from flowrt.core.instance import TaskState
    from flowrt.core.machine import Machine

Json = Any


def enter(state: TaskState, machine: Machine) -> Skipped | None:
    """From the raw input to the transformed one; `Skipped` when `if` is not true."""
    task = state.task
    if task.condition is not None and not truth(machine.evaluate(task.condition, state.input, state)):
        return Skipped(state.input)
    if task.input_schema is not None:
        validate(task.input_schema, state.input, "input")
    if task.timeout is not None:
        state.timeout_at = machine.now + machine.evaluate(task.timeout, state.input, state)
    if task.input_from is not None:
        state.data = machine.evaluate(task.input_from, state.input, state)
    return None


def leave(state: TaskState, raw: Json, machine: Machine) -> Json:
    """From the raw output to the transformed one; `export` replaces the instance's context."""
    task = state.task
    state.raw_output = state.output = output = raw
    if task.output_as is not None:
        state.output = output = machine.evaluate(task.output_as, raw, state)
    if task.output_schema is not None:
        validate(task.output_schema, output, "output")
    if task.export_as is not None:
        context = machine.evaluate(task.export_as, output, state)
        if task.export_schema is not None:
            validate(task.export_schema, context, "export")
        machine.export(context)
    if task.tags is not None:
        machine.tag(machine.evaluate(task.tags, output, state))
    return output


def validate(schema: CheckSchema, value: Json, what: str) -> None:
    """Raises `Faulted` with what the schema says is wrong."""
    wrong = schema(value)
    if wrong is not None:
        raise Faulted(Fault.of("validation", f"The {what} breaks its schema: {wrong}"))


def truth(value: Json) -> bool:
    """jq's truth: everything but false and null."""
    return value is not None and value is not False


def equal(one: Json, other: Json) -> bool:
    """jq's equality: as in Python, but true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)
