"""Expressions: those of 0.8 in the words of DSL 1.0. Both are jq; the names of arguments and functions differ.

`$SECRETS` is `$secrets`, `$CONST` stands in the document's metadata, `fn:name` becomes the function's expression.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flowrt.core.expression import InvalidExpression
from flowrt.core.template import split, whole_expression

Json = Any

CONSTANTS = "$workflow.definition.document.metadata.constants"
ARGUMENTS = (
    (re.compile(r"\$SECRETS?\b"), "$secrets"),
    (re.compile(r"\$CONST\b"), CONSTANTS),
    (re.compile(r"\$WORKFLOW\.(?:instanceId|id)\b"), "$workflow.id"),
)
STRING = re.compile(r'("(?:[^"\\]|\\.)*")')
MOST_DEPTH = 16


def wrapped(source: str) -> str:
    """An expression as a string of the document."""
    return f"${{ {source} }}"


class Expressions:
    """Rewrites expressions. `functions`: name of an expression function -> its jq."""

    def __init__(self, functions: Mapping[str, str]) -> None:
        names = sorted(functions, key=len, reverse=True)
        self._functions = functions
        self._call = re.compile("fn:(" + "|".join(map(re.escape, names)) + r")(?!\w)") if names else None

    def source(self, text: str, depth: int = 0) -> str:
        """A bare jq program in the words of 1.0; strings in it are left alone, but for what is interpolated."""
        parts = STRING.split(text)
        return "".join(
            part if index % 2 and "\\(" not in part else self._rewritten(part, depth)
            for index, part in enumerate(parts)
        )

    def bare(self, text: Json) -> str:
        """The jq of a property that is an expression, with or without `${ }`."""
        if not isinstance(text, str):
            return "true" if text is True else "false" if text is False else str(text)
        return self.source(whole_expression(text) or text.strip())

    def value(self, value: Json) -> Json:
        """Any JSON, with the expressions in it rewritten."""
        if isinstance(value, dict):
            return {name: self.value(member) for name, member in value.items()}
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if not isinstance(value, str) or "${" not in value:
            return value
        if (whole := whole_expression(value)) is not None:
            return wrapped(self.source(whole))
        try:
            return "".join(wrapped(self.source(part)) if is_jq else part for is_jq, part in split(value))
        except InvalidExpression:
            return value

    def _rewritten(self, text: str, depth: int) -> str:
        for pattern, name in ARGUMENTS:
            text = pattern.sub(name.replace("\\", r"\\"), text)
        if self._call is None or depth > MOST_DEPTH:
            return text
        return self._call.sub(lambda match: f"({self.source(self._operation(match[1]), depth + 1)})", text)

    def _operation(self, name: str) -> str:
        return whole_expression(self._functions[name]) or self._functions[name]
