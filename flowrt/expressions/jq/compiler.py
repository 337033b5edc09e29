"""Decides how an expression is run: as closures, in libjq, or in libjq in a helper process; and compiles it so.

Native expressions keep the library in reserve: what their closures leave open (`Beyond`) it answers, from the start,
which is right because expressions have no effects.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Protocol

from flowrt.core.expression import Expression, InvalidExpression, Json, Lookup
from flowrt.expressions.jq import libjq, watchdog
from flowrt.expressions.jq import syntax as ast
from flowrt.expressions.jq.bounds import Bounds, bounds
from flowrt.expressions.jq.code import Code, One, Outside, Single, gathered
from flowrt.expressions.jq.lexer import SyntaxFault
from flowrt.expressions.jq.names import Refused, free_names
from flowrt.expressions.jq.native import compile_native
from flowrt.expressions.jq.parser import parse
from flowrt.expressions.jq.values import Beyond, Raised

CACHED_EXPRESSIONS = 4096


class _Program(Protocol):
    def evaluate(self, data: Json, lookup: Lookup) -> Json: ...


@lru_cache(maxsize=CACHED_EXPRESSIONS)
def compile(source: str) -> Expression:
    """The expression of a jq program (without `${ }`); raises `InvalidExpression` if it is none."""
    try:
        program = _parsed(source)
        names = free_names(program)
        found = bounds(program)
        code = _native(program, found)
    except Refused as refused:
        raise InvalidExpression(str(refused)) from None
    except RecursionError:
        raise InvalidExpression("the program is nested too deeply") from None
    if code is not None:
        return Expression(source, names, _evaluator(source, names, program, code, found), native=True)
    library = _in_library(source, names, found)
    return Expression(source, names, library.evaluate, bounded=not (found.anywhere or found.in_library))


def explain(source: str) -> str:
    """How the expression is run, in words."""
    expression = compile(source)
    if expression.native:
        return "native"
    return "libjq" if expression.bounded else "libjq, in a helper process"


def _parsed(source: str) -> ast.Node:
    try:
        return parse(source)
    except SyntaxFault as fault:
        problem = libjq.complaint(source, libjq.mentioned(source))
        raise InvalidExpression(problem or str(fault)) from None


def _native(program: ast.Node, found: Bounds) -> Code | None:
    if found.anywhere:
        return None
    try:
        return compile_native(program)
    except Outside:
        return None


def _in_library(source: str, names: frozenset[str], found: Bounds) -> _Program:
    if found.anywhere or found.in_library:
        return watchdog.GuardedProgram(source, sorted(names))
    return libjq.LibraryProgram(source, sorted(names))


def _collected(gather: One) -> One:
    return lambda data, lookup: libjq.result(gather(data, lookup))


def _evaluator(
    source: str, names: frozenset[str], program: ast.Node, code: Code, found: Bounds
) -> Callable[[Json, Lookup], Json]:
    if isinstance(program, (ast.Identity, ast.Literal, ast.Variable)) and isinstance(code, Single):
        return code.run  # cannot fail

    @lru_cache(maxsize=1)
    def library() -> _Program:
        return _in_library(source, names, found)

    run = code.run if isinstance(code, Single) else _collected(gathered(code))

    def evaluate(data: Json, lookup: Lookup) -> Json:
        try:
            return run(data, lookup)
        except Raised as error:
            raise libjq.failure(source, error.value) from None
        except (Beyond, RecursionError):
            return library().evaluate(data, lookup)

    return evaluate
