"""Arguments: what the expressions of a task may ask for by name, computed only when they do.

Source: dsl.md, "Runtime expression arguments". Secrets are given to expressions and to nobody else.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flowrt.core.fault import Fault, Faulted

if TYPE_CHECKING:
    from flowrt.core.environment import Environment
    from flowrt.core.instance import Instance, TaskState

Json = Any

STANDARD_NAMES = frozenset(
    ("context", "input", "output", "secrets", "secret", "authorization", "task", "workflow", "runtime")
)


class Arguments:
    """Looks up the arguments of one state of one instance."""

    instance: Instance
    scope: TaskState
    now: float
    budget: int
    _exported = False

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.lookup = self._lookup
        """Bound once: every evaluation passes it."""

    def _lookup(self, name: str) -> Json:
        state = self.scope
        if name == "context":
            return self.instance.context
        if name == "input":
            return state.data if state.entered or state.parent is not None else state.input
        holder: TaskState | None = state
        while holder is not None:
            if name in holder.task.binds:
                return holder.task.variable(holder, name)
            holder = holder.parent
        return self._described(name, state)

    def _described(self, name: str, state: TaskState) -> Json:
        match name:
            case "output":
                return state.output
            case "task":
                return describe_task(state)
            case "workflow":
                return describe_workflow(self.instance)
            case "runtime":
                return dict(self.environment.runtime)
            case "secrets" | "secret":
                return {name: self.secret(name) for name in sorted(self.instance.definition.secrets)}
            case "authorization":
                return state.authorization
        return None

    def secret(self, name: str) -> Json:
        """A secret that the definition names under `use.secrets`. Raises `Faulted` (authorization, 403) otherwise."""
        if name not in self.instance.definition.secrets:
            raise Faulted(Fault.of("authorization", f"The secret '{name}' is not listed under use.secrets."))
        value = self.environment.secret(name)
        if value is None:
            raise Faulted(Fault.of("authorization", f"The secret '{name}' is not known to this runtime."))
        return value


def describe_time(at: float) -> Json:
    """A date-time descriptor of epoch seconds."""
    text = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"iso8601": text, "epoch": {"seconds": int(at), "milliseconds": int(at * 1000)}}


def describe_task(state: TaskState) -> Json:
    """The task descriptor; the members of the definition (`with`, `call`, …) stand beside it."""
    task = state.task
    return {
        **task.definition,
        "name": task.name,
        "reference": task.position,
        "definition": task.definition,
        "input": state.input,
        "output": state.raw_output,
        "startedAt": describe_time(state.started_at),
    }


def describe_workflow(instance: Instance) -> Json:
    """The workflow descriptor."""
    return {
        "id": instance.id,
        "definition": instance.definition.document,
        "input": instance.input,
        "startedAt": describe_time(instance.started_at),
    }
