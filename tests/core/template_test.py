"""Templates: what is an expression in them, and what stays as it is."""

from __future__ import annotations

from typing import Any

import pytest

from flowrt.core.expression import InvalidExpression
from flowrt.core.template import split, text_template, whole_expression
from tests.core.worlds import JQ, compiled, ended


def nothing(_name: str) -> Any:
    raise AssertionError("no argument is asked for")


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("${ .a }", ".a"),
        ("  ${.a}  ", ".a"),
        ("${ {a: {b: 1}} }", "{a: {b: 1}}"),
        ('${ "}" }', '"}"'),
        ('${ "\\"}" }', '"\\"}"'),
        ('${ "\\(.a | {b: .})" }', '"\\(.a | {b: .})"'),
        ("${ .a } and ${ .b }", None),
        ("x${ .a }", None),
        ("${ .a", None),
        ("{ .a }", None),
        ("$.a", None),
    ],
)
def test_whole_expression(text: str, expression: str | None) -> None:
    assert whole_expression(text) == expression


def test_split() -> None:
    assert split("a ${ .b } c${.d}") == [(False, "a "), (True, ".b"), (False, " c"), (True, ".d")]


def test_an_open_brace_is_refused() -> None:
    with pytest.raises(InvalidExpression, match="character 3"):
        split("a ${ .b")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${ .n }", 7),
        ("n is ${ .n }", "n is 7"),
        ("${ .list }${ .none }${ .text }", "[1,2]nullé"),
        ("plain", "plain"),
        ("", ""),
    ],
)
def test_text(text: str, value: Any) -> None:
    template, constant = text_template(text, JQ)
    assert template({"n": 7, "list": [1, 2], "text": "é"}, nothing) == value
    assert constant is ("${" not in text)


def test_loose_text_stands_for_itself_where_it_is_no_expression() -> None:
    data = {"a": 1}
    assert text_template(".a + 1", JQ, loose=True)[0](data, nothing) == 2
    assert text_template("no expression, this", JQ, loose=True)[0](data, nothing) == "no expression, this"
    assert text_template(".a.b", JQ, loose=True)[0](data, nothing) == ".a.b"


def test_values_are_not_mutated() -> None:
    shared = {"deep": [1, {"x": "${ .n }"}], "same": {"y": 2}}
    definition = compiled({"set": shared}, {"set": {"all": "${ . }", "more": ["${ .same.y }"]}})
    assert ended(definition, {"n": 3}).output == {"all": {"deep": [1, {"x": 3}], "same": {"y": 2}}, "more": [2]}
    assert ended(definition, {"n": 4}).output["all"]["deep"] == [1, {"x": 4}]
