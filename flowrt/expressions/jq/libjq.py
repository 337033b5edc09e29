"""jq programs in jq's own library: whatever the closures do not cover.

A program is compiled once. Its variables travel in the input, because the library binds them at compile time only:
the program runs behind a prefix that takes them out. What is said to users is about their program, never the prefix.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from importlib import import_module
from typing import Any

import orjson

from flowrt.core.expression import ExpressionFailed, InvalidExpression, Json, Lookup

LONGEST_QUOTE = 200
_VARIABLE = re.compile(r"\$([a-zA-Z_][a-zA-Z_0-9]*)")
_NOISE = re.compile(r"^jq: error: |\njq: \d+ compile errors?$| at <top-level>(?=, line)", re.MULTILINE)


def quote(source: str) -> str:
    """The expression, short enough for a message."""
    return source if len(source) <= LONGEST_QUOTE else source[:LONGEST_QUOTE] + "…"


def failure(source: str, problem: Json) -> ExpressionFailed:
    """A failed evaluation; jq errors may be any value."""
    text = problem if isinstance(problem, str) else json.dumps(problem)
    return ExpressionFailed(f"expression {quote(source)!r} failed: {text}")


def complaint(source: str, names: Iterable[str]) -> str | None:
    """What the library has against the program, with line and column; None if it compiles."""
    try:
        _library().compile(source, args=dict.fromkeys(names))
    except ValueError as error:
        lines = _NOISE.sub("", str(error)).splitlines()
        return "\n".join(line[:LONGEST_QUOTE] for line in lines)
    return None


def mentioned(source: str) -> set[str]:
    """The variables of a program that could not be parsed, so that they are not what is complained about."""
    return set(_VARIABLE.findall(source))


def wrapped(source: str, names: list[str]) -> str:
    """The program over `[data, value, …]` instead of data and variables; its lines keep their numbers."""
    taken = "".join(f".[{position}] as ${name} | " for position, name in enumerate(names, start=1))
    return f"{taken}.[0] | ({source}\n)"


def document(data: Json, names: list[str], lookup: Lookup) -> str:
    """The input of the wrapped program as JSON text."""
    values = [data, *map(lookup, names)]
    try:
        return orjson.dumps(values).decode()
    except TypeError:  # integers beyond 64 bits, lone surrogates, deep nesting
        pass
    try:
        return json.dumps(values)
    except RecursionError:
        raise ExpressionFailed("the data of an expression is nested too deeply") from None


def result(values: list[Json]) -> Json:
    """Several results are their array, none is null."""
    if len(values) == 1:
        return values[0]
    return values or None


class LibraryProgram:
    """A program compiled by the library, run in this process."""

    def __init__(self, source: str, names: list[str]) -> None:
        self.source = source
        self.names = names
        problem = complaint(source, names)
        if problem is not None:
            raise InvalidExpression(problem)
        self.program = _library().compile(wrapped(source, names))

    def evaluate(self, data: Json, lookup: Lookup) -> Json:
        text = document(data, self.names, lookup)
        try:
            return result(self.program.input_text(text).all())
        except ValueError as error:
            raise failure(self.source, str(error)) from None


def _library() -> Any:
    """The C extension, loaded when first needed: most definitions never need it."""
    return import_module("jq")
