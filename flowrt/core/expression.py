"""Expressions: the one shape every expression language compiles to, and templates of them over any JSON."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Json = Any
"""Any JSON value. Data is never mutated after it is produced, so values are shared, not copied."""

Lookup = Callable[[str], Json]
"""Gives the value of a runtime expression argument (`context`, `item`, …) by its name without `$`."""


class ExpressionFailed(Exception):
    """The evaluation of an expression failed; the message says which expression and why (a `expression` fault, 400)."""


class ExpressionTimedOut(ExpressionFailed):
    """The evaluation took longer than it may (a `timeout` fault, 408)."""


class InvalidExpression(Exception):
    """The expression does not compile; the message is the language's own. Raised at load only."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression.

    `evaluate(data, lookup)` gives its single JSON result (several results: their array; none: null) or raises
    `ExpressionFailed`. `names` are the arguments it mentions, without `$`; `lookup` is called for these only.
    """

    source: str
    names: frozenset[str]
    evaluate: Callable[[Json, Lookup], Json]
    native: bool = False
    """Runs as Python closures, not in the language's library."""
    bounded: bool = True
    """Cannot run away: its work is bounded by the size of its data."""
