"""Runs one program as closures and in libjq; the form of its outcomes tells 1 from true, 3 from 3.0, and key orders."""

from __future__ import annotations

import json
from typing import Any

from flowrt.core.expression import Expression, ExpressionFailed
from flowrt.expressions.jq import compile
from flowrt.expressions.jq.libjq import LibraryProgram

Outcome = tuple[str, str]
VARIABLES: dict[str, Any] = {"v": {"a": [1, 2], "b": "x"}, "w": 2}


def evaluate(source: str, data: Any = None, **variables: Any) -> Any:
    return compile(source).evaluate(data, {**VARIABLES, **variables}.__getitem__)


def outcome(program: Expression | LibraryProgram, data: Any, variables: dict[str, Any]) -> Outcome:
    """What the program gives, as JSON text (the order of keys included), or the message of its failure."""
    try:
        return "value", json.dumps(program.evaluate(data, variables.__getitem__))
    except ExpressionFailed as failure:
        return "error", str(failure)


class Both:
    """An expression, and the same program in the library."""

    def __init__(self, source: str) -> None:
        self.expression = compile(source)
        self.library = LibraryProgram(source, sorted(self.expression.names))

    def check(self, data: Any, variables: dict[str, Any] = VARIABLES) -> None:
        """They agree on this data, and leave it as it is."""
        before = json.dumps(data)
        ours, theirs = outcome(self.expression, data, variables), outcome(self.library, data, variables)
        assert ours == theirs, f"{self.expression.source}\non {before} with {variables!r}"
        assert json.dumps(data) == before, "the data was changed"
