"""Keeping: which states of an instance are live, and everything that a commit has to know of what happens to it.

Tasks call these while they run; none of them transfers control.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowrt.core.arguments import Arguments
from flowrt.core.instance import Fact, TaskState
from flowrt.core.template import Template, to_text

Json = Any

ROUNDS_KEPT = 8
"""How many finished rounds of a loop keep their records."""


class Keeping(Arguments):
    """Notes what changes in the instance that is being advanced."""

    def evaluate(self, template: Template, data: Json, state: TaskState) -> Json:
        """The value of a template or expression for a state."""
        self.scope = state
        return template(data, self.lookup)

    def export(self, context: Json) -> None:
        """Replaces the instance's context."""
        for state in self.instance.live.values():
            if state.wants_effect and state.task.reads_context and state.pinned is None:
                state.pinned = [self.instance.context]
                self.touch(state)
        self.instance.context = context
        self.instance.changes.fields.add("context")
        self._exported = self.instance.exported = True

    def tag(self, tags: Mapping[str, Json]) -> None:
        """Adds tags to the instance; values become text."""
        self.instance.tags = {**self.instance.tags, **{key: to_text(value) for key, value in tags.items()}}
        self.instance.changes.head = True

    def listen(self, state: TaskState) -> None:
        """Marks a state as listening, or its subscriptions as changed; the runtime indexes them."""
        state.listening = True
        self.instance.changes.listeners = True

    def emit(self, event: dict[str, Json]) -> None:
        """Puts an event into the outbox of the coming commit."""
        self.instance.changes.emitted.append(event)

    def touch(self, state: TaskState) -> None:
        """Marks the changing part of a live state for the coming commit; what is not live needs no mark."""
        if state.sequence:
            self.instance.changes.states[state.key] = state

    def drop(self, state: TaskState) -> None:
        """Cancels a live state and everything below it."""
        self.fact("cancelled", state.task.position)
        self.detach(state)

    def new_round(self, state: TaskState) -> None:
        """Begins a round of a loop: children get an iteration never used before; records of old rounds go."""
        instance, key = self.instance, state.task.key
        round_ = instance.counters.get(key, 0)
        instance.counters[key] = round_ + 1
        state.round = round_
        if state.parent is None and instance.context is not None:
            # The record that told what it is may go with an old round: the first of the new one tells it again.
            instance.exported = True
        pruned = instance.changes.pruned
        if round_ >= ROUNDS_KEPT:
            pruned[key] = max(pruned.get(key, 0), round_ - ROUNDS_KEPT + 1)
        for inner in state.task.inner_loops:
            if inner in instance.counters:
                pruned[inner] = instance.counters[inner]
        instance.changes.head = True
        self.touch(state)

    def fact(self, name: str, position: str = "", **data: Json) -> None:
        """Notes something for lifecycle events, when someone wants them."""
        if self.instance.facts is not None:
            self.instance.facts.append(Fact(name, position, self.now, data))

    def attach(self, state: TaskState) -> None:
        """Makes a state and everything above it live, or marks it when it is."""
        instance = self.instance
        if state.sequence:
            return self.touch(state)
        chain = [state]
        while (parent := chain[-1].parent) is not None and not parent.sequence:
            chain.append(parent)
        for each in reversed(chain):
            instance.sequence += 1
            each.sequence = instance.sequence
            key = each.key
            instance.live[key] = each
            instance.changes.states[key] = each
            instance.changes.born.add(key)
            if each.parent is not None:
                if each.parent.children is None:
                    each.parent.children = {}
                each.parent.children[key] = each
        return None

    def detach(self, state: TaskState) -> None:
        """Takes a state and everything below it out of the live ones."""
        instance = self.instance
        for each in state.subtree():
            key = each.key
            if instance.live.get(key) is each:
                del instance.live[key]
                instance.changes.states[key] = None
                instance.changes.born.discard(key)
            if each.listening:
                instance.changes.listeners = True
            each.sequence = 0
        if state.parent is not None and state.parent.children is not None:
            state.parent.children.pop(state.key, None)
        if instance.ready:
            instance.ready = [each for each in instance.ready if each.sequence]

    def renew(self, state: TaskState) -> None:
        """Marks a state that was live before it began to be stored anew: its start, deadline and data are new."""
        self.instance.changes.states[state.key] = state
        self.instance.changes.born.add(state.key)

    def earliest_due(self) -> tuple[float, bool, TaskState] | None:
        """The deadline that came first: when, whether it is a timeout, and whose."""
        best: tuple[float, int, bool, TaskState] | None = None
        for state in self.instance.live.values():
            for at, is_timeout in ((state.timeout_at, True), (state.wake_at, False)):
                if at is None or at > self.now:
                    continue
                # Of two deadlines at one time the outer one, which became live first, stands.
                candidate = (at, state.sequence, is_timeout, state)
                if best is None or candidate[:2] < best[:2]:
                    best = candidate
        return None if best is None else (best[0], best[2], best[3])
