"""Runs one program as closures and in libjq, and puts both outcomes into a form that tells 1 from true and 3 from 3.0."""

from __future__ import annotations

import json
from typing import Any

from flowrt.core.expression import Expression, ExpressionFailed
from flowrt.expressions.jq import compile
from flowrt.expressions.jq.libjq import LibraryProgram

VARIABLES: dict[str, Any] = {"v": {"a": [1, 2], "b": "x"}, "w": 2}


def evaluate(source: str, data: Any = None, **variables: Any) -> Any:
    return compile(source).evaluate(data, {**VARIABLES, **variables}.__getitem__)


def outcome(program: Expression | LibraryProgram, data: Any, variables: dict[str, Any]) -> tuple[str, str]:
    """What the program gives, as JSON text (the order of keys included), or the message of its failure."""
    try:
        return "value", json.dumps(program.evaluate(data, variables.__getitem__))
    except ExpressionFailed as failure:
        return "error", str(failure)


def outcomes(source: str, data: Any, variables: dict[str, Any] | None = None) -> tuple[tuple[str, str], tuple[str, str]]:
    """The program's own outcome, and the library's."""
    values = variables or VARIABLES
    expression = compile(source)
    library = LibraryProgram(source, sorted(expression.names))
    before = json.dumps(data)
    ours = outcome(expression, data, values)
    assert json.dumps(data) == before, "the data was changed"
    return ours, outcome(library, data, values)
