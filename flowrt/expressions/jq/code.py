"""What a node of the tree compiles to: a closure over data and environment, for one result or for any number.

Most nodes have exactly one result, and a plain function is much faster than a generator: so the two are told apart
when compiling. The environment is a `Lookup`: a binding wraps it in another one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from flowrt.core.expression import Json, Lookup
from flowrt.expressions.jq.values import Raised

One: TypeAlias = Callable[[Json, Lookup], Json]
Many: TypeAlias = Callable[[Json, Lookup], Iterable[Json]]


class Outside(Exception):
    """The program uses what the closures do not cover; it is the library's."""


class Broken(Raised):
    """`break`: on its way to the label whose activation it names. `try` stops it, as in jq."""


@dataclass(frozen=True, slots=True)
class Single:
    """Exactly one result (or an error)."""

    run: One


@dataclass(frozen=True, slots=True)
class Several:
    """Any number of results, produced as they are asked for; `gather`, if given, makes their list faster."""

    run: Many
    gather: One | None = None


Code: TypeAlias = Single | Several


def each(code: Code) -> Many:
    """The results as an iterable."""
    if isinstance(code, Several):
        return code.run
    run = code.run
    return lambda data, env: (run(data, env),)


def gathered(code: Code) -> One:
    """The results as a list."""
    if isinstance(code, Several):
        if code.gather is not None:
            return code.gather
        many = code.run
        return lambda data, env: [*many(data, env)]
    run = code.run
    return lambda data, env: [run(data, env)]


def extend(env: Lookup, key: str, value: Json) -> Lookup:
    """The environment with one more variable."""
    return lambda name: value if name == key else env(name)


def piped(left: Code, right: Code) -> Code:
    """`left | right`"""
    if isinstance(left, Single):
        first = left.run
        if isinstance(right, Single):
            then = right.run
            return Single(lambda data, env: then(first(data, env), env))
        rest, gather = right.run, gathered(right)
        return Several(lambda data, env: rest(first(data, env), env), lambda data, env: gather(first(data, env), env))
    source = left.run
    if isinstance(right, Single):
        then = right.run
        return Several(
            lambda data, env: (then(item, env) for item in source(data, env)),
            lambda data, env: [then(item, env) for item in source(data, env)],
        )
    rest = right.run
    return Several(
        lambda data, env: (result for item in source(data, env) for result in rest(item, env)),
        lambda data, env: [result for item in source(data, env) for result in rest(item, env)],
    )


def applied(function: Callable[[Json, Json], Json], argument: Code) -> Code:
    """`function(data, argument)` for every value of the argument."""
    if isinstance(argument, Single):
        run = argument.run
        return Single(lambda data, env: function(data, run(data, env)))
    many = argument.run
    return Several(lambda data, env: (function(data, value) for value in many(data, env)))


def combined(function: Callable[[Json, Json], Json], inner: Code, outer: Code) -> Code:
    """`function(inner, outer)` for every pair of values; the inner ones vary fastest."""
    if isinstance(inner, Single) and isinstance(outer, Single):
        first, second = inner.run, outer.run

        def one(data: Json, env: Lookup) -> Json:
            value = second(data, env)
            return function(first(data, env), value)

        return Single(one)
    firsts, seconds = each(inner), each(outer)

    def many(data: Json, env: Lookup) -> Iterator[Json]:
        for value in seconds(data, env):
            for other in firsts(data, env):
                yield function(other, value)

    return Several(many)
