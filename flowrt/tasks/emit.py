"""`emit`: an event for the outbox."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from typing import Any

from flowrt.core.definition import Done, Step, Task
from flowrt.core.fault import Fault
from flowrt.core.instance import TaskState
from flowrt.core.machine import Machine
from flowrt.core.reader import Reader
from flowrt.core.template import Template

ATTRIBUTE = re.compile(r"[a-z0-9]+")
IDS = uuid.UUID("5cf7a1a4-5b4c-4f7b-9a51-0c1c3f0e7b55")


class Emit(Task):
    """Outputs the event it sends; its id is the same when it is emitted again after a crash ("Emit")."""

    kind = "emit"
    attributes: dict[str, Template]

    @classmethod
    def parse(cls, reader: Reader) -> Emit:
        task = cls()
        task.attributes = {}
        emit = reader.at(reader.value["emit"], "emit").object(("event",), required=("event",))
        event = emit.get("event")
        with_ = event.object(required=("with",)).get("with") if event is not None else None
        if with_ is not None:
            for name, attribute in with_.object(required=("source", "type")).members():
                if not ATTRIBUTE.fullmatch(name):
                    attribute.problem(
                        f"'{name}' is no CloudEvents attribute name", "Use lower-case letters and digits only."
                    )
                if name in ("source", "type", "id", "subject"):
                    attribute.string()
                task.attributes[name] = attribute.template()
        return task

    def enter(self, state: TaskState, machine: Machine) -> Step:
        given = {name: machine.evaluate(template, state.data, state) for name, template in self.attributes.items()}
        for name in ("source", "type", "id"):
            if name in given and (not isinstance(given[name], str) or not given[name]):
                return Fault.of(
                    "validation", f"The event's '{name}' must be a non-empty string, found {given[name]!r}."
                )
        event: dict[str, Any] = {
            "specversion": "1.0",
            "id": self._id(state, machine),
            "time": datetime.fromtimestamp(machine.now, UTC).isoformat().replace("+00:00", "Z"),
        }
        event |= {name: value for name, value in given.items() if value is not None or name == "data"}
        if "data" in event and "datacontenttype" not in event:
            event["datacontenttype"] = "application/json"
        machine.emit(event)
        return Done(event)

    def _id(self, state: TaskState, machine: Machine) -> str:
        place = f"{machine.instance.id}{self.key}/{state.iteration}/{state.attempt}"
        return str(uuid.uuid5(IDS, place))
