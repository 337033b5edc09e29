"""`call: asyncapi` with a `subscription`: consumes messages one at a time, and perhaps runs tasks for each.

Invariants: each message is the outcome of one effect, so it is durable before the next is asked for; the adapter
acknowledges it when the next effect (or the last one, which `ends` the subscription) says that it was consumed.
Source: dsl-reference.md, "AsyncAPI Subscription", "AsyncAPI Subscription Lifetime".
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flowrt.core.dataflow import truth
from flowrt.core.definition import WAIT, Done, Run, Step
from flowrt.core.effect import Effect
from flowrt.core.expression import ExpressionFailed
from flowrt.core.fault import Fault
from flowrt.core.instance import TaskState
from flowrt.core.machine import Machine
from flowrt.core.reader import Reader
from flowrt.core.template import Template, whole_expression
from flowrt.tasks.calls import CALLS
from flowrt.tasks.common import TaskList, connect, place
from flowrt.tasks.effect_task import EffectTask
from flowrt.tasks.foreach import Foreach

Json = Any

DELIVERY = "delivery"
"""The member of a received message that only the adapter understands: which delivery of its broker it was."""


class Receive(EffectTask):
    """The effect of a subscription: its next message, or its end."""

    kind = "call"
    hidden = True
    effect_kind = "asyncapi"

    @classmethod
    def of(cls, reader: Reader, with_: Reader) -> Receive:
        """Reads the arguments that all effects of a subscription share."""
        task = cls()
        place(task, reader, "", 0, key=f"{reader.task_key}/subscription")
        task.siblings = (task,)
        task.arguments = CALLS["asyncapi"](with_)
        task.constant_arguments = with_.value
        return task

    def effect(self, state: TaskState, machine: Machine) -> Effect:
        around = state.parent
        return replace(super().effect(state, machine), task="" if around is None else around.task.name)

    def evaluated(self, state: TaskState, machine: Machine) -> Json:
        around = state.parent
        assert around is not None
        assert isinstance(around.task, Subscribe)
        arguments = machine.evaluate(self.arguments, around.data, around)
        return {**arguments, "subscription": around.task.wanted(around)}


class Subscribe(TaskList):
    """Outputs what it consumed, in order.

    `memory`: `received` (how many messages came), `consumed` (how many passed the filter), `outputs` (what came of
    them), `last` (the delivery of the last one), `item` (the message that tasks are running for), `over` (it consumes
    no more) and `ending` (the broker is being told). `wake_at` is when `consume.for` is over.
    """

    kind = "call"
    counts_rounds = True
    receive: Receive
    filter: Template | None = None
    amount: int | None = None
    while_: Template | None = None
    until: Template | None = None
    lasts: Template | None = None
    foreach: Foreach | None = None
    endless = False
    """Nothing but a fault ends it, so nobody will ever see its output: none is kept."""

    @classmethod
    def parse(cls, reader: Reader) -> Subscribe:
        """Reads a call whose `with` has a subscription."""
        task = cls()
        with_ = reader.at(reader.value["with"], "with")
        subscription = with_.at(with_.value["subscription"], "subscription")
        subscription.object(("filter", "consume", "foreach"), required=("consume",))
        if (filter_ := subscription.get("filter")) is not None:
            task.filter = filter_.expression()
        if (consume := subscription.get("consume")) is not None:
            task._parse_consume(consume)
        if (foreach := subscription.get("foreach")) is not None:
            task.foreach = Foreach(foreach)
            task.binds = task.foreach.binds
        task.body = task.foreach.body if task.foreach is not None else ()
        task.receive = Receive.of(reader, with_)
        connect(task, (task.receive,), task.body)
        return task

    def _parse_consume(self, consume: Reader) -> None:
        consume.object(("amount", "for", "while", "until"))
        if sum(consume.get(name) is not None for name in ("amount", "while", "until")) != 1:
            consume.problem("expected exactly one of amount, while, until", "Say when enough was consumed.")
        if (amount := consume.get("amount")) is not None:
            self.amount = amount.integer(least=1)
        if (while_ := consume.get("while")) is not None:
            self.while_ = while_.expression()
        if (until := consume.get("until")) is not None:
            self.until = until.expression()
        if (for_ := consume.get("for")) is not None:
            self.lasts = for_.duration()
        condition = consume.value.get("while") if isinstance(consume.value, dict) else None
        text = condition if isinstance(condition, str) else ""
        self.endless = self.lasts is None and (whole_expression(text) or text.strip()) == "true"

    def wanted(self, state: TaskState) -> dict[str, Json]:
        """What the adapter is told of the subscription: which run of the task it is, and how far it has come."""
        memory = state.memory
        wanted = {"iteration": state.iteration, "received": memory["received"], "last": memory["last"]}
        return {**wanted, "ends": True} if memory["ending"] else wanted

    def enter(self, state: TaskState, machine: Machine) -> Step:
        state.memory = {"received": 0, "consumed": 0, "outputs": [], "last": None, "item": None}
        state.memory |= {"over": False, "ending": False}
        if self.lasts is not None:
            state.wake_at = machine.now + machine.evaluate(self.lasts, state.data, state)
        return self._go_on(state, machine)

    def resume(self, state: TaskState, child: TaskState, output: Json, then: int, machine: Machine) -> Step:
        if child.task is not self.receive:
            return super().resume(state, child, output, then, machine)
        if state.memory["ending"]:
            return Done(state.memory["outputs"])
        state.authorization = child.authorization
        return self._received(state, output, machine)

    def over(self, state: TaskState, child: TaskState, output: Json, machine: Machine) -> Step:
        return self._consumed(state, output, machine)

    def woken(self, state: TaskState, machine: Machine) -> Step:
        state.memory = {**state.memory, "over": True}
        machine.touch(state)
        receiving = [child for child in (state.children or {}).values() if child.task is self.receive]
        if not receiving:
            return WAIT  # what has begun for a message is finished
        for child in receiving:
            machine.detach(child)
        return self._end(state, machine)

    def catches(self, state: TaskState, child: TaskState, fault: Fault, machine: Machine) -> bool:
        # What was consumed is not lost because the broker is gone when it is told that it is over.
        return child.task is self.receive and bool(state.memory["ending"])

    def failed(self, state: TaskState, child: TaskState, fault: Fault, machine: Machine) -> Step:
        return Done(state.memory["outputs"])

    def variable(self, state: TaskState, name: str) -> Json:
        if state.memory is None:
            return None
        return state.memory["item"] if name == self.binds[0] else state.memory["consumed"]

    def _received(self, state: TaskState, message: Json, machine: Machine) -> Step:
        memory = state.memory
        last = None
        if isinstance(message, dict):
            last = message.get(DELIVERY)
            message = {name: value for name, value in message.items() if name != DELIVERY}
        state.memory = {**memory, "received": memory["received"] + 1, "last": last}
        if not self._passes(message, state, machine):
            return self._receive(state, machine)
        if self.foreach is None or not self.body:
            return self._consumed(state, message, machine, message)
        state.memory = {**state.memory, "item": message}
        machine.touch(state)
        return Run(self.body[0], message)

    def _passes(self, message: Json, state: TaskState, machine: Machine) -> bool:
        """A message that the filter fails on does not pass it: anybody may have sent anything."""
        if self.filter is None:
            return True
        try:
            return truth(machine.evaluate(self.filter, message, state))
        except ExpressionFailed:
            return False

    def _consumed(self, state: TaskState, output: Json, machine: Machine, item: Json = None) -> Step:
        if self.foreach is not None:
            if not self.body:
                state.memory = {**state.memory, "item": item}
            output = self.foreach.leave(state, output, machine)
        memory = state.memory
        outputs = memory["outputs"] if self.endless else [*memory["outputs"], output]
        state.memory = {**memory, "consumed": memory["consumed"] + 1, "outputs": outputs, "item": None}
        if self.while_ is not None and not truth(machine.evaluate(self.while_, outputs, state)):
            return self._end(state, machine)
        return self._go_on(state, machine)

    def _go_on(self, state: TaskState, machine: Machine) -> Step:
        memory = state.memory
        enough = memory["over"] or memory["consumed"] == self.amount
        if self.until is not None and not enough:
            enough = truth(machine.evaluate(self.until, memory["outputs"], state))
        return self._end(state, machine) if enough else self._receive(state, machine)

    def _receive(self, state: TaskState, machine: Machine) -> Step:
        machine.new_round(state)
        return Run(self.receive, None)

    def _end(self, state: TaskState, machine: Machine) -> Step:
        state.wake_at = None
        if state.round is None:
            return Done([])  # nothing was ever asked for
        state.memory = {**state.memory, "over": True, "ending": True}
        return self._receive(state, machine)


def subscribes(reader: Reader) -> bool:
    """Whether the call has a subscription that can be read as one."""
    with_ = reader.value.get("with")
    return isinstance(with_, dict) and with_.get("subscription") is not None and "message" not in with_
