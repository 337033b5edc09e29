"""Event consumption: which events a listener takes, and when it has enough.

Source: dsl-reference.md, "Event Consumption Strategy", "Event Filter", "Correlation". A state's progress is JSON:
`matched` (indexes of filters that have their event), `bound` (correlation keys by first value), `expected` (of each
filter its correlation keys by what they must be, from when it began to listen), `until` (the same for the strategy that
ends it).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flowrt.core.dataflow import equal, truth
from flowrt.core.definition import Subscription
from flowrt.core.expression import ExpressionFailed, InvalidExpression
from flowrt.core.instance import TaskState
from flowrt.core.machine import Machine
from flowrt.core.reader import Reader
from flowrt.core.template import Template, constant, whole_expression

Json = Any
Progress = dict[str, Any]

OF_THE_WORKFLOW = re.compile(r"\s*\$workflow(?:\.[A-Za-z_]\w*)+\s*")
"""Expressions that give the same for as long as an instance listens, whatever the event."""
ATTRIBUTE_NAME = re.compile(r"[a-z][a-z0-9]*")
TEMPLATE_VARIABLE = re.compile(r"\\\{[^{}]*\\\}")


@dataclass(frozen=True, slots=True)
class Correlation:
    """How a key is taken from an event, and what it must be."""

    key: str
    source: str | None
    """The jq expression that extracts it, if that needs nothing but the event: what it gives can be indexed."""
    extract: Template
    expect: Template | None


@dataclass(frozen=True, slots=True)
class Attribute:
    """What one attribute of an event must be."""

    name: str
    template: Template
    constant: bool
    pattern: re.Pattern[str] | None
    known: bool
    """Whether what it must be is known before there is an event: it can be indexed."""

    def matches(self, event: dict[str, Json], state: TaskState, machine: Machine) -> bool:
        """Literals are equal; an expression is true, or gives what the attribute is."""
        value = event.get(self.name)
        if self.pattern is not None:
            return isinstance(value, str) and self.pattern.fullmatch(value) is not None
        expected = machine.evaluate(self.template, value, state)
        if self.constant:
            return equal(expected, value)
        if isinstance(expected, bool) or expected is None:
            return expected is True
        return equal(expected, value)


class Filter:
    """An event filter."""

    def __init__(self, reader: Reader) -> None:
        reader.object(("with", "correlate"), required=("with",))
        self.attributes: list[Attribute] = []
        self.correlations: list[Correlation] = []
        self.type: str | None = None
        if (with_ := reader.get("with")) is not None:
            if with_.object().value == {}:
                with_.problem("a filter needs at least one attribute", "Name a 'type', for example.")
            self.attributes = [self._attribute(name, member) for name, member in with_.members()]
        # One that differs from instance to instance tells more than a literal.
        self._indexable = sorted((each for each in self.attributes if each.known), key=lambda each: each.constant)
        if (correlate := reader.get("correlate")) is not None:
            self.correlations = [self._correlation(name, member) for name, member in correlate.members()]

    def _attribute(self, name: str, reader: Reader) -> Attribute:
        template, constant = reader.dynamic()
        pattern = None
        if name == "type" and constant and isinstance(reader.value, str):
            self.type = reader.value
        if name == "source" and constant and isinstance(reader.value, str) and "{" in reader.value:
            pattern = re.compile(TEMPLATE_VARIABLE.sub("[^/]*", re.escape(reader.value)))
        source = whole_expression(reader.value) if isinstance(reader.value, str) else None
        known = constant if source is None else OF_THE_WORKFLOW.fullmatch(source) is not None
        indexable = known and pattern is None and name != "type" and ATTRIBUTE_NAME.fullmatch(name) is not None
        return Attribute(name, template, constant, pattern, indexable)

    @staticmethod
    def _correlation(name: str, reader: Reader) -> Correlation:
        reader.object(("from", "expect"), required=("from",))
        extract, expect = reader.get("from"), reader.get("expect")
        return Correlation(
            name,
            _source(extract) if extract is not None else None,
            extract.expression() if extract is not None else constant(None),
            expect.expression_or_constant() if expect is not None else None,
        )

    def expected(self, state: TaskState, machine: Machine) -> dict[str, Json]:
        """What its correlation keys must be, as far as the definition says so."""
        return {
            each.key: machine.evaluate(each.expect, state.data, state)
            for each in self.correlations
            if each.expect is not None
        }

    def matches(
        self,
        event: dict[str, Json],
        expected: dict[str, Json],
        bound: dict[str, Json],
        state: TaskState,
        machine: Machine,
    ) -> bool:
        """Whether it takes the event; binds correlation keys (in `bound`) that have no value yet.

        An event that its expressions fail on is none of its.
        """
        if self.type is not None and event.get("type") != self.type:
            return False
        new: dict[str, Json] = {}
        try:
            if not all(attribute.matches(event, state, machine) for attribute in self.attributes):
                return False
            for correlation in self.correlations:
                key, value = correlation.key, machine.evaluate(correlation.extract, event, state)
                known = expected if key in expected else bound
                if value is None or (key in known and not equal(known[key], value)):
                    return False
                if key not in known:
                    new[key] = value
        except ExpressionFailed:
            return False
        bound.update(new)
        return True

    def subscription(self, expected: dict[str, Json], state: TaskState, machine: Machine) -> Subscription:
        """The narrowest condition the runtime can index."""
        for correlation in self.correlations:
            if correlation.key in expected and correlation.source is not None:
                return Subscription(self.type, correlation.source, expected[correlation.key])
        for attribute in self._indexable:
            try:
                value = machine.evaluate(attribute.template, None, state)
            except ExpressionFailed:
                continue
            if isinstance(value, str):
                return Subscription(self.type, f".{attribute.name}", value)
        return Subscription(self.type)


def _source(extract: Reader) -> str | None:
    text = extract.value if isinstance(extract.value, str) else ""
    source = whole_expression(text) or text
    try:
        alone = not extract.build.expression(source).names and extract.build.in_jq(source)
        return source if alone else None
    except InvalidExpression:
        return None


class Strategy:
    """`one`, `any` or `all` of some filters; `any` perhaps until a condition or other events."""

    def __init__(self, reader: Reader, nested: bool = False) -> None:
        reader.object(("one", "any", "all") if nested else ("one", "any", "all", "until"))
        chosen = [name for name in ("one", "any", "all") if reader.get(name) is not None]
        if len(chosen) != 1:
            reader.problem("expected exactly one of one, any, all", "Say which events to wait for.")
        self.mode = chosen[0] if chosen else "any"
        found = reader.get(self.mode)
        if found is None:
            self.filters: list[Filter] = []
        elif self.mode == "one":
            self.filters = [Filter(found)]
        else:
            self.filters = [Filter(item) for item in found.items()]
            if self.mode == "all" and found.value == []:
                found.problem("'all' needs at least one filter")
        self.until: Strategy | None = None
        self.condition: Template | None = None
        self.forever = False
        """Its condition never becomes true."""
        if (until := reader.get("until")) is not None and not nested:
            if isinstance(until.value, str):
                self.condition = until.expression()
                self.forever = (whole_expression(until.value) or until.value).strip() == "false"
            elif until.value is not False:
                self.until = Strategy(until, nested=True)

    @property
    def endless(self) -> bool:
        """It goes on after the first event."""
        return self.mode == "any" and (self.condition is not None or self.until is not None)

    def begin(self, state: TaskState, machine: Machine) -> Progress:
        """The progress of a listener that has seen nothing."""
        expected = [filter_.expected(state, machine) for filter_ in self.filters]
        progress: Progress = {"matched": [], "bound": {}, "expected": expected}
        if self.until is not None:
            progress["until"] = self.until.begin(state, machine)
        return progress

    def offer(
        self, progress: Progress, event: dict[str, Json], state: TaskState, machine: Machine
    ) -> tuple[Progress, bool, bool]:
        """The progress after the event, whether the event is consumed, and whether the strategy is satisfied.

        An event that its `until` consumes is not part of what it consumed.
        """
        if self.until is not None:
            ended, taken, satisfied = self.until.offer(progress["until"], event, state, machine)
            if taken:
                return {**progress, "until": ended}, False, satisfied
        bound = dict(progress["bound"])
        for index, filter_ in enumerate(self.filters):
            if self.mode == "all" and index in progress["matched"]:
                continue
            if filter_.matches(event, progress["expected"][index], bound, state, machine):
                matched = [*progress["matched"], index] if self.mode == "all" else progress["matched"]
                satisfied = len(matched) == len(self.filters) if self.mode == "all" else not self.endless
                return {**progress, "matched": matched, "bound": bound}, True, satisfied
        if self.mode == "any" and not self.filters:
            return progress, True, not self.endless
        return progress, False, False

    def holds(self, collected: Json, state: TaskState, machine: Machine) -> bool:
        """Whether the `until` condition is true of what was collected."""
        return self.condition is not None and truth(machine.evaluate(self.condition, collected, state))

    def subscriptions(self, progress: Progress, state: TaskState, machine: Machine) -> Sequence[Subscription]:
        """Everything that may concern it."""
        each = zip(self.filters, progress["expected"], strict=True)
        own = [filter_.subscription(expected, state, machine) for filter_, expected in each] or [Subscription(None)]
        if self.until is not None:
            own.extend(self.until.subscriptions(progress["until"], state, machine))
        return own
