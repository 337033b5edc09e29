"""`raise`: a fault on purpose."""

from __future__ import annotations

from typing import Any

from flowrt.core.definition import Step, Task
from flowrt.core.fault import STANDARD, Fault, canonical_type
from flowrt.core.instance import TaskState
from flowrt.core.machine import Machine
from flowrt.core.reader import Reader
from flowrt.core.template import Template

MEMBERS = ("type", "status", "title", "detail", "instance")


class Raise(Task):
    """Its error's members may be expressions; `instance` is always the task's own position ("Raise", "Error")."""

    kind = "raise"
    error: dict[str, Template]

    @classmethod
    def parse(cls, reader: Reader) -> Raise:
        task = cls()
        task.error = {}
        raised = reader.at(reader.value["raise"], "raise").object(("error",), required=("error",))
        if (error := raised.get("error")) is not None:
            error = error.referenced("errors").object(MEMBERS, required=("type", "status"))
            for name in MEMBERS:
                if (member := error.get(name)) is not None:
                    _check(name, member)
                    task.error[name] = member.template()
        return task

    def enter(self, state: TaskState, machine: Machine) -> Step:
        values = {name: machine.evaluate(template, state.data, state) for name, template in self.error.items()}
        status = values.get("status")
        if isinstance(status, bool) or not isinstance(status, int):
            return Fault.of("validation", f"The status of a raised error must be an integer, found {status!r}.")
        return Fault(canonical_type(_text(values["type"]) or ""), status, _text(values.get("title")),
                     _text(values.get("detail")), None)  # fmt: skip


def _check(name: str, member: Reader) -> None:
    if name == "status":
        if not isinstance(member.value, str) or "${" not in member.value:
            member.integer()
        return
    text = member.string()
    if name == "type" and text and "://" not in text and "${" not in text and text not in STANDARD:
        member.problem(f"the type '{text}' is no URI", "Write a full URI such as https://example.com/errors/late.")


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else str(value)
