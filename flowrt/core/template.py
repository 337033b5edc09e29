"""Templates: any JSON with `${ … }` inside, compiled to one function of the data.

A string that is wholly `${ … }` is an expression and keeps its JSON type; a longer one is interpolated as text.
Braces and quotes inside an expression are understood. Constant parts are shared, never copied.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from flowrt.core.expression import Expression, ExpressionFailed, InvalidExpression, Json, Lookup

Template = Callable[[Json, Lookup], Json]
CompileExpression = Callable[[str], Expression]


def split(text: str) -> list[tuple[bool, str]]:
    """The parts of an interpolated string: (is it an expression, its text without `${ }`), in order."""
    parts: list[tuple[bool, str]] = []
    at = 0
    while (start := text.find("${", at)) >= 0:
        end = closing_brace(text, start + 2)
        if end < 0:
            raise InvalidExpression(f"'${{' at character {start + 1} has no closing '}}'")
        if start > at:
            parts.append((False, text[at:start]))
        parts.append((True, text[start + 2 : end].strip()))
        at = end + 1
    if at < len(text):
        parts.append((False, text[at:]))
    return parts


def closing_brace(text: str, at: int) -> int:
    """Index of the `}` that closes the brace before `at`, or -1; strings and their `\\( )` are skipped over."""
    depth: list[str] = ["}"]
    while at < len(text):
        char = text[at]
        if depth[-1] == '"':
            if char == "\\":
                if text[at + 1 : at + 2] == "(":
                    depth.append(")")
                at += 1
            elif char == '"':
                depth.pop()
        elif char == '"':
            depth.append('"')
        elif char in "{([":
            depth.append({"{": "}", "(": ")", "[": "]"}[char])
        elif char == depth[-1]:
            depth.pop()
            if not depth:
                return at
        at += 1
    return -1


def whole_expression(text: str) -> str | None:
    """The expression of a string that is wholly `${ … }`, else None."""
    stripped = text.strip()
    if stripped.startswith("${") and closing_brace(stripped, 2) == len(stripped) - 1:
        return stripped[2:-1].strip()
    return None


def to_text(value: Json) -> str:
    """How a value reads inside a longer string: a string as it is, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def constant(value: Json) -> Template:
    """The template that always gives this value."""
    return lambda data, lookup: value


def text_template(text: str, expression: CompileExpression, loose: bool = False) -> tuple[Template, bool]:
    """The template of a string and whether it is constant.

    `expression` compiles one expression. In `loose` mode every string is tried as an expression and stands for itself
    where that fails (dsl-reference.md, "Evaluate").
    """
    if (source := whole_expression(text)) is not None:
        return expression(source).evaluate, False
    if "${" in text:
        return _interpolation(text, expression), False
    if loose:
        return _loose(text, expression)
    return constant(text), True


def _loose(text: str, expression: CompileExpression) -> tuple[Template, bool]:
    try:
        evaluate = expression(text).evaluate
    except InvalidExpression:
        return constant(text), True

    def attempt(data: Json, lookup: Lookup) -> Json:
        try:
            return evaluate(data, lookup)
        except ExpressionFailed:
            return text

    return attempt, False


def _interpolation(text: str, expression: CompileExpression) -> Template:
    parts: list[Any] = [expression(part).evaluate if is_expression else part for is_expression, part in split(text)]

    def interpolate(data: Json, lookup: Lookup) -> Json:
        return "".join([part if isinstance(part, str) else to_text(part(data, lookup)) for part in parts])

    return interpolate


def object_template(members: dict[str, tuple[Template, bool]], original: Json) -> tuple[Template, bool]:
    """The template of an object from those of its members, and whether it is constant."""
    dynamic = [(key, template) for key, (template, is_constant) in members.items() if not is_constant]
    if not dynamic:
        return constant(original), True
    if len(dynamic) == 1 and len(members) == 1:
        name, only = dynamic[0]
        return (lambda data, lookup: {name: only(data, lookup)}), False

    def build(data: Json, lookup: Lookup) -> Json:
        result = dict(original)
        for key, template in dynamic:
            result[key] = template(data, lookup)
        return result

    return build, False


def array_template(items: list[tuple[Template, bool]], original: Json) -> tuple[Template, bool]:
    """The template of an array from those of its items, and whether it is constant."""
    if all(is_constant for _, is_constant in items):
        return constant(original), True
    templates = [template for template, _ in items]
    return (lambda data, lookup: [template(data, lookup) for template in templates]), False
