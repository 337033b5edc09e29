"""Subscription iterator: what `foreach` does with each item that a subscription consumes.

Source: dsl-reference.md, "Subscription Iterator". Without `do` the item itself is what `output` and `export` see.
"""

from __future__ import annotations

from typing import Any

from flowrt.core.dataflow import validate
from flowrt.core.definition import CheckSchema, Task
from flowrt.core.instance import TaskState
from flowrt.core.machine import Machine
from flowrt.core.reader import Reader
from flowrt.core.template import Template
from flowrt.tasks.common import transformation

Json = Any


class Foreach:
    """A `foreach` as it was read. `binds`: the names of the item and its index; `body`: its tasks, perhaps none."""

    output_as: Template | None = None
    output_schema: CheckSchema | None = None
    export_as: Template | None = None
    export_schema: CheckSchema | None = None

    def __init__(self, reader: Reader) -> None:
        reader.object(("item", "at", "do", "output", "export"))
        item, at = reader.get("item"), reader.get("at")
        self.binds = (item.string() if item is not None else "item", at.string() if at is not None else "index")
        self.body: tuple[Task, ...] = ()
        inside = reader.binding(*self.binds)
        if (do := inside.get("do")) is not None:
            self.body = do.tasks()
        if (output := inside.get("output")) is not None:
            output.object(("schema", "as"))
            self.output_as = transformation(output, "as")
            if (schema := output.get("schema")) is not None:
                self.output_schema = reader.build.schema(schema)
        if (export := inside.get("export")) is not None:
            export.object(("schema", "as"))
            self.export_as = transformation(export, "as")
            if (schema := export.get("schema")) is not None:
                self.export_schema = reader.build.schema(schema)

    def leave(self, state: TaskState, output: Json, machine: Machine) -> Json:
        """From what the tasks made of an item to the element of the result; `export` replaces the context."""
        if self.output_as is not None:
            output = machine.evaluate(self.output_as, output, state)
        if self.output_schema is not None:
            validate(self.output_schema, output, "output of foreach")
        if self.export_as is not None:
            context = machine.evaluate(self.export_as, output, state)
            if self.export_schema is not None:
                validate(self.export_schema, context, "export of foreach")
            machine.export(context)
        return output
