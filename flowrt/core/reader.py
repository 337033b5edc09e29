"""Reader: a place in a document that is being compiled; asks for what should stand there and notes every problem.

A problem never stops the reading: the caller gets a harmless value and goes on, so that all problems are reported at
once, each with its position, cause and remedy.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from flowrt.core import duration, position
from flowrt.core.arguments import STANDARD_NAMES
from flowrt.core.build import Build, Problem
from flowrt.core.definition import DIRECTIVES, Task
from flowrt.core.expression import Expression, ExpressionFailed, InvalidExpression
from flowrt.core.template import Template, array_template, constant, object_template, text_template, whole_expression

Json = Any


class Reader:
    """One place: a value, where it stands, and what its expressions may mention."""

    __slots__ = ("build", "names", "position", "siblings", "silent", "task_key", "task_position", "value")

    def __init__(self, value: Json, position_: str, build: Build) -> None:
        self.value = value
        self.position = position_
        self.build = build
        self.names: frozenset[str] = STANDARD_NAMES
        self.siblings: Mapping[str, int] = {}
        self.silent = False
        self.task_position = position_
        """Where the tasks below stand; differs from `position` inside a called function."""
        self.task_key = position_
        """Names the states of the task that stands here; differs from its position for the task of a function."""

    def at(self, value: Json, *tokens: str | int) -> Reader:
        """A reader below this one."""
        reader = Reader(value, position.child(self.position, *tokens), self.build)
        reader.names, reader.siblings, reader.silent = self.names, self.siblings, self.silent
        reader.task_position = position.child(self.task_position, *tokens)
        reader.task_key = reader.task_position if tokens else self.task_key
        return reader

    def binding(self, *names: str) -> Reader:
        """The same place, where expressions may mention these names, too."""
        reader = self.at(self.value)
        reader.names = self.names | frozenset(names)
        return reader

    def problem(self, message: str, remedy: str = "") -> None:
        """Notes what is wrong here; below a reference that leads nowhere that has been said."""
        if self.silent:
            return
        self.build.problems.append(Problem(self.position or "/", message, remedy))

    def warn(self, message: str) -> None:
        """Notes what is not wrong, but will not work as it stands."""
        self.build.warnings.append(Problem(self.position or "/", message))

    # Shapes

    def object(self, known: Iterable[str] | None = None, required: Sequence[str] = ()) -> Reader:
        """This place as an object; unknown and missing members are problems. `known` None: any member."""
        if not isinstance(self.value, dict):
            self.problem(f"expected an object, found {_shape(self.value)}", _object_remedy(known))
            return self.at({})
        if known is not None:
            names = list(known)
            for name in self.value:
                if name not in names:
                    self.at(None, name).problem(f"unknown property '{name}'", _nearest(name, names))
        for name in required:
            if name not in self.value:
                self.problem(f"the required property '{name}' is missing", f"Add '{name}'.")
        return self

    def get(self, name: str) -> Reader | None:
        """The member of an object, if it is there."""
        return self.at(self.value[name], name) if isinstance(self.value, dict) and name in self.value else None

    def items(self) -> Iterator[Reader]:
        """The items of an array; a problem when it is none."""
        if not isinstance(self.value, list):
            self.problem(f"expected an array, found {_shape(self.value)}")
            return
        for index, item in enumerate(self.value):
            yield self.at(item, index)

    def members(self) -> Iterator[tuple[str, Reader]]:
        """The members of an object by name."""
        for name in self.object().value:
            yield name, self.at(self.value[name], name)

    def named_items(self) -> list[tuple[str, Reader]]:
        """The DSL's ordered maps: an array of objects with one member each, as (name, its value)."""
        found: list[tuple[str, Reader]] = []
        names: set[str] = set()
        for item in self.items():
            if not isinstance(item.value, dict) or len(item.value) != 1:
                item.problem("expected an object with exactly one member: the name", "Write '- name: {…}'.")
                continue
            name = next(iter(item.value))
            if not isinstance(name, str):
                item.problem(f"the name must be a string, found {_shape(name)}", "Put it in quotes.")
                continue
            if name in names:
                item.problem(f"the name '{name}' is used twice in this list", "Give each its own name.")
            names.add(name)
            found.append((name, item.at(item.value[name], name)))
        return found

    def string(self, pattern: Callable[[str], bool] | None = None, what: str = "a string") -> str:
        """This place as a string."""
        if not isinstance(self.value, str) or (pattern is not None and not pattern(self.value)):
            shown = repr(self.value) if isinstance(self.value, str) else _shape(self.value)
            self.problem(f"expected {what}, found {shown}")
            return ""
        return self.value

    def integer(self, least: int | None = None) -> int:
        """This place as an integer."""
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            self.problem(f"expected an integer, found {_shape(self.value)}")
            return least or 0
        if least is not None and self.value < least:
            self.problem(f"expected an integer of at least {least}, found {self.value}")
            return least
        return self.value

    def boolean(self) -> bool:
        """This place as a boolean."""
        if not isinstance(self.value, bool):
            self.problem(f"expected true or false, found {_shape(self.value)}")
            return False
        return self.value

    def one_of(self, *allowed: str) -> str:
        """This place as one of the given words."""
        if self.value not in allowed or not isinstance(self.value, str):
            self.problem(f"expected one of {', '.join(allowed)}, found {self.value!r}", _nearest(self.value, allowed))
            return allowed[0]
        return self.value

    # The DSL's own shapes

    def expression(self) -> Template:
        """A runtime expression, with or without `${ }`."""
        text = self.string(what="a runtime expression")
        if not isinstance(self.value, str):
            return lambda data, lookup: None
        return self._compile(whole_expression(text) or text)

    def template(self) -> Template:
        """Any JSON with `${ … }` inside."""
        return self.dynamic()[0]

    def dynamic(self) -> tuple[Template, bool]:
        """A template, and whether it is constant."""
        if isinstance(self.value, dict):
            members = {name: self.at(item, name).dynamic() for name, item in self.value.items()}
            return object_template(members, self.value)
        if isinstance(self.value, list):
            return array_template([self.at(item, index).dynamic() for index, item in enumerate(self.value)], self.value)
        if not isinstance(self.value, str):
            return constant(self.value), True
        try:
            return text_template(self.value, self._part, self.build.loose)
        except (InvalidExpression, RecursionError) as error:
            self.problem(str(error), "See the runtime expressions of the DSL; the default language is jq.")
            return constant(None), True

    def _part(self, source: str) -> Expression:
        try:
            return self._checked(source)
        except InvalidExpression as error:
            # In loose mode a string that is no expression stands for itself.
            if self.build.loose and source == self.value:
                raise
            raise InvalidExpression(f"the expression '{source}' is not valid: {error}") from None

    def expression_or_template(self) -> Template:
        """`input.from`, `output.as`, `export.as`: a string is an expression, an object a template."""
        if isinstance(self.value, str):
            if "${" in self.value and whole_expression(self.value) is None:
                return self.template()
            return self.expression()
        if not isinstance(self.value, dict):
            self.problem(f"expected a runtime expression or an object, found {_shape(self.value)}")
        return self.template()

    def expression_or_constant(self) -> Template:
        """A runtime expression, with or without `${ }`, or a constant: any other value, a string that is none."""
        if isinstance(self.value, str) and "${" not in self.value:
            try:
                return self._checked(self.value).evaluate
            except InvalidExpression:
                if not self.value.startswith((".", "$")):
                    return constant(self.value)
                return self._compile(self.value)
        return self.template()

    def duration(self) -> Template:
        """A duration, as a template that gives seconds."""
        if isinstance(self.value, str) and whole_expression(self.value) is not None:
            evaluate, source = self.expression(), self.value

            def evaluated(data: Json, lookup: Callable[[str], Json]) -> float:
                value = evaluate(data, lookup)
                seconds = duration.from_json(value)
                if seconds is None:
                    raise ExpressionFailed(f"{source} gives {value!r}, which is no duration such as PT5S")
                return seconds

            return evaluated
        return self._constant_duration()

    def _constant_duration(self) -> Template:
        if isinstance(self.value, dict):
            self.object(duration.UNITS_S)
        seconds = duration.from_json(self.value)
        if seconds is None:
            self.problem(
                f"{self.value!r} is no duration",
                "Write an object of days, hours, minutes, seconds, milliseconds, or ISO 8601 such as PT5S.",
            )
        fixed_s = seconds or 0.0
        return lambda data, lookup: fixed_s

    def directive(self) -> int:
        """A flow directive, as a number."""
        then = self.string(what="a flow directive")
        if then in DIRECTIVES:
            return DIRECTIVES[then]
        if then in self.siblings:
            return self.siblings[then]
        if isinstance(self.value, str):
            self.problem(
                f"no task '{then}' in this list to go on with",
                _nearest(then, [*self.siblings, *DIRECTIVES]) or "A directive may only name a task of the same list.",
            )
        return DIRECTIVES["continue"]

    def referenced(self, section: str) -> Reader:
        """This place, or what it refers to when it is the name of a component under `use`."""
        if not isinstance(self.value, str):
            return self
        found = self.build.reference(section, self.value)
        if found is None:
            self.problem(f"there is no '{self.value}' under use.{section}", f"Define use.{section}.{self.value}.")
            lost = self.at({})
            lost.silent = True
            return lost
        reader = self.at(found.value)
        reader.position = found.position
        return reader

    def tasks(self) -> tuple[Task, ...]:
        """A list of tasks."""
        named = self.named_items()
        if isinstance(self.value, list) and not self.value:
            self.problem("the list of tasks is empty", "Add at least one task.")
        tasks: list[Task] = []
        siblings = {name: index for index, (name, _) in enumerate(named)}
        for index, (name, reader) in enumerate(named):
            reader.siblings = siblings
            tasks.append(self.build.task(reader, name, index))
        together = tuple(tasks)
        for task, after in zip(together, (*together[1:], None), strict=False):
            for layer in task.layers():
                layer.siblings, layer.next = together, after
        return together

    def _compile(self, source: str) -> Template:
        try:
            return self._checked(source).evaluate
        except InvalidExpression as error:
            self.problem(_invalid(source, error), "The default language is jq.")
            return lambda data, lookup: None

    def _checked(self, source: str) -> Expression:
        compiled = self.build.expression(source)
        for name in sorted(compiled.names - self.names):
            raise InvalidExpression(f"${name} is not defined here. {_nearest(name, self.names)}".strip())
        return compiled


def _invalid(source: str, error: InvalidExpression) -> str:
    reason = str(error).partition("\n")[0].rstrip(":. ")
    return f"the expression '{source}' is not valid: {reason}"


def _shape(value: Json) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
    return "an object"


def _nearest(name: Json, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(str(name), list(known), n=1)
    return f"Did you mean '{close[0]}'?" if close else ""


def _object_remedy(known: Iterable[str] | None) -> str:
    return f"Its properties are {', '.join(known)}." if known is not None else ""
