"""`listen`: waits for events, and perhaps runs tasks for each."""

from __future__ import annotations

import base64
from typing import Any

from flowrt.core.definition import WAIT, Done, Run, Step, Subscription
from flowrt.core.instance import TaskState
from flowrt.core.machine import Machine
from flowrt.core.reader import Reader
from flowrt.core.template import to_text
from flowrt.tasks.common import TaskList, connect
from flowrt.tasks.consumption import Strategy
from flowrt.tasks.foreach import Foreach

Json = Any


class Listen(TaskList):
    """Outputs what it consumed, in order ("Listen", "Subscription Iterator").

    `memory`: `progress` of the strategy, `events` consumed, `over` once nothing more is to be consumed; with `foreach`
    also `done` (how many are processed), their `outputs`, and `busy` while one is in work. What nobody will see again
    is not kept: events that are processed, unless a condition looks at them all; anything, if it can never end.
    """

    kind = "listen"
    strategy: Strategy
    read = "data"
    foreach: Foreach | None = None

    @classmethod
    def parse(cls, reader: Reader) -> Listen:
        task = cls()
        listen = reader.at(reader.value["listen"], "listen").object(("to", "read"), required=("to",))
        to = listen.get("to")
        task.strategy = Strategy(to if to is not None else listen.at({"any": []}))
        if (read := listen.get("read")) is not None:
            task.read = read.one_of("data", "envelope", "raw")
        if (foreach := reader.get("foreach")) is not None:
            task.foreach = Foreach(foreach)
            task.binds = task.foreach.binds
            task.counts_rounds = True
        task.body = task.foreach.body if task.foreach is not None else ()
        connect(task, task.body)
        return task

    @property
    def _looks_back(self) -> bool:
        """Whether what ends it depends on events that are processed already."""
        return self.strategy.condition is not None and not self.strategy.forever

    def enter(self, state: TaskState, machine: Machine) -> Step:
        state.memory = {"progress": self.strategy.begin(state, machine), "events": [], "over": False}
        if self.foreach is not None:
            state.memory |= {"done": 0, "outputs": [], "busy": False}
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
        if self.foreach is not None:
            return WAIT if memory["busy"] else self._next(state, machine)
        if self.strategy.forever:
            state.memory = {**state.memory, "events": []}
        return Done(events) if over else WAIT

    def over(self, state: TaskState, child: TaskState, output: Json, machine: Machine) -> Step:
        return self._processed(state, output, machine)

    def variable(self, state: TaskState, name: str) -> Json:
        if state.memory is None:
            return None
        if name != self.binds[0]:
            return state.memory["done"]
        events = state.memory["events"]
        at = self._at(state)
        return events[at] if at < len(events) else None

    def subscriptions(self, state: TaskState, machine: Machine) -> list[Subscription]:
        return (
            [] if state.memory["over"] else list(self.strategy.subscriptions(state.memory["progress"], state, machine))
        )

    def _at(self, state: TaskState) -> int:
        """Where the next event to be processed stands among those that are kept."""
        return int(state.memory["done"]) if self._looks_back else 0

    def _next(self, state: TaskState, machine: Machine) -> Step:
        """Processes the next event of the queue, or ends, or waits for more."""
        memory, at = state.memory, self._at(state)
        if at == len(memory["events"]):
            state.memory = {**memory, "busy": False}
            machine.touch(state)
            return Done(memory["outputs"]) if memory["over"] else WAIT
        state.memory = {**memory, "busy": True}
        machine.new_round(state)
        item = memory["events"][at]
        return Run(self.body[0], item) if self.body else self._processed(state, item, machine)

    def _processed(self, state: TaskState, output: Json, machine: Machine) -> Step:
        assert self.foreach is not None
        output = self.foreach.leave(state, output, machine)
        memory = state.memory
        events = memory["events"] if self._looks_back else memory["events"][1:]
        outputs = [] if self.strategy.forever else [*memory["outputs"], output]
        state.memory = {**memory, "events": events, "outputs": outputs, "done": memory["done"] + 1}
        if not memory["over"] and self.strategy.holds(events, state, machine):
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
