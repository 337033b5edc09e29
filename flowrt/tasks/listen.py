"""`listen`: waits for events, and perhaps runs tasks for each."""

from __future__ import annotations

import base64
from typing import Any

from flowrt.core.dataflow import validate
from flowrt.core.definition import WAIT, Done, Run, Step, Subscription
from flowrt.core.instance import TaskState
from flowrt.core.machine import Machine
from flowrt.core.reader import Reader
from flowrt.core.template import Template, to_text
from flowrt.tasks.common import TaskList, connect, transformation
from flowrt.tasks.consumption import Strategy

Json = Any


class Listen(TaskList):
    """Outputs what it consumed, in order ("Listen", "Subscription Iterator").

    `memory`: `progress` of the strategy, `events` consumed and, with `foreach`, `outputs` of those already processed;
    `over` once nothing more is to be consumed.
    """

    kind = "listen"
    strategy: Strategy
    read = "data"
    foreach = False
    each_output: Template | None = None
    each_output_schema: Any = None
    each_export: Template | None = None
    each_export_schema: Any = None

    @classmethod
    def parse(cls, reader: Reader) -> Listen:
        task = cls()
        task.body = ()
        listen = reader.at(reader.value["listen"], "listen").object(("to", "read"), required=("to",))
        to = listen.get("to")
        task.strategy = Strategy(to if to is not None else listen.at({"any": []}))
        if (read := listen.get("read")) is not None:
            task.read = read.one_of("data", "envelope", "raw")
        if (foreach := reader.get("foreach")) is not None:
            task._parse_foreach(foreach)
        connect(task, task.body)
        return task

    def _parse_foreach(self, foreach: Reader) -> None:
        foreach.object(("item", "at", "do", "output", "export"))
        self.foreach = self.counts_rounds = True
        item, at = foreach.get("item"), foreach.get("at")
        self.binds = (item.string() if item is not None else "item", at.string() if at is not None else "index")
        inside = foreach.binding(*self.binds)
        if (do := inside.get("do")) is not None:
            self.body = do.tasks()
        if (output := inside.get("output")) is not None:
            output.object(("schema", "as"))
            self.each_output = transformation(output, "as")
            if (schema := output.get("schema")) is not None:
                self.each_output_schema = foreach.build.schema(schema)
        if (export := inside.get("export")) is not None:
            export.object(("schema", "as"))
            self.each_export = transformation(export, "as")
            if (schema := export.get("schema")) is not None:
                self.each_export_schema = foreach.build.schema(schema)

    def enter(self, state: TaskState, machine: Machine) -> Step:
        progress = self.strategy.begin(state, machine)
        state.memory = {"progress": progress, "events": [], "outputs": [], "busy": False, "over": False}
        machine.listen(state)
        machine.fact("correlation-started")
        return WAIT

    def arrived(self, state: TaskState, event: dict[str, Json], machine: Machine) -> Step:
        memory = state.memory
        if memory["over"]:
            return WAIT
        progress, consumed, satisfied = self.strategy.offer(memory["progress"], event, state, machine)
        if not consumed and progress is memory["progress"]:
            return WAIT
        machine.touch(state)
        events = [*memory["events"], self._reading(event)] if consumed else memory["events"]
        over = satisfied or (consumed and self.strategy.holds(events, state, machine))
        state.memory = {**memory, "progress": progress, "events": events, "over": over}
        if over:
            machine.listen(state)
            machine.fact("correlation-completed", keys=progress["bound"])
        if self.foreach:
            return WAIT if memory["busy"] else self._next(state, machine)
        return Done(events) if over else WAIT

    def over(self, state: TaskState, child: TaskState, output: Json, machine: Machine) -> Step:
        return self._processed(state, output, machine)

    def variable(self, state: TaskState, name: str) -> Json:
        index = len(state.memory["outputs"]) if state.memory is not None else 0
        if name != self.binds[0]:
            return index
        events = state.memory["events"] if state.memory is not None else []
        return events[index] if index < len(events) else None

    def subscriptions(self, state: TaskState, machine: Machine) -> list[Subscription]:
        return [] if state.memory["over"] else list(self.strategy.subscriptions(state.memory["progress"]))

    def _next(self, state: TaskState, machine: Machine) -> Step:
        """Processes the next event of the queue, or ends, or waits for more."""
        memory = state.memory
        index = len(memory["outputs"])
        if index == len(memory["events"]):
            state.memory = {**memory, "busy": False}
            machine.touch(state)
            return Done(memory["outputs"]) if memory["over"] else WAIT
        state.memory = {**memory, "busy": True}
        machine.new_round(state)
        item = memory["events"][index]
        return Run(self.body[0], item) if self.body else self._processed(state, item, machine)

    def _processed(self, state: TaskState, output: Json, machine: Machine) -> Step:
        if self.each_output is not None:
            output = machine.evaluate(self.each_output, output, state)
        if self.each_output_schema is not None:
            validate(self.each_output_schema, output, "output of foreach")
        if self.each_export is not None:
            context = machine.evaluate(self.each_export, output, state)
            if self.each_export_schema is not None:
                validate(self.each_export_schema, context, "export of foreach")
            machine.export(context)
        state.memory = {**state.memory, "outputs": [*state.memory["outputs"], output]}
        if not state.memory["over"] and self.strategy.holds(state.memory["events"], state, machine):
            state.memory = {**state.memory, "over": True}
            machine.listen(state)
        return self._next(state, machine)

    def _reading(self, event: dict[str, Json]) -> Json:
        if self.read == "envelope":
            return event
        if self.read == "raw":
            return event["data_base64"] if "data_base64" in event else to_text(event.get("data"))
        if "data_base64" in event and "data" not in event:
            return _decoded(event["data_base64"])
        return event.get("data")


def _decoded(data: str) -> Json:
    try:
        return base64.b64decode(data, validate=True).decode()
    except ValueError:
        return data
