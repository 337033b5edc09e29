"""Every construct, function and failure of jq that closures cover: they agree with libjq, message for message."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flowrt.core.expression import ExpressionFailed
from flowrt.expressions.jq import compile
from tests.expressions.agreement import Both, evaluate

DATA: list[Any] = [
    None,
    True,
    0,
    -3,
    2.5,
    "a,b",
    "",
    [],
    [3, 1, 2],
    ["b", "a", "b"],
    [[1, [2]], [3]],
    {"a": 1, "b": [1, 2], "c": {"d": None}},
    {"b": {"a": [0, {"x": "y"}]}, "a": "text", "name": "n"},
    [{"key": "k", "value": 1}, {"name": "n", "value": False}, {"Key": "K", "Value": 2}],
    [{"a": 2, "b": 1}, {"a": 1, "b": 2}, {"b": 3, "a": 2}],
    [True, 1, "1", None, False, 0, [1], {"a": 1}, 1.5],
]

PROGRAMS = [
    program
    for line in Path(__file__).with_name("programs.txt").read_text().splitlines()
    if not line.startswith("#")
    for program in line.split("  ")
    if program
]
"""They stand a line or two spaces apart."""


@pytest.mark.parametrize("source", PROGRAMS)
def test_agrees_with_the_library(source: str) -> None:
    both = Both(source)
    if not both.expression.bounded:
        pytest.fail("the table is for programs that run in this process")
    for data in DATA:
        both.check(data)


@pytest.mark.parametrize(
    ("source", "data", "expected"),
    [
        (".a.b", {"a": {"b": 3}}, 3),
        ("1 + 2", None, 3),
        ("10 / 4", None, 2.5),
        ("10 / 5", None, 2),
        ('.status == "paid"', {"status": "paid"}, True),
        ("empty", None, None),
        (".[]", [7], 7),
        (".[]", [7, 8], [7, 8]),
        (".[]", [], None),
        (".[]", [None], None),
        ("$v.b + .x", {"x": "y"}, "xy"),
        ("[.items[] | select(.n > 1) | .n]", {"items": [{"n": 1}, {"n": 2}, {"n": 3}]}, [2, 3]),
        ("[1] == [true]", None, False),
        ("{b: 1, a: 2} | keys", None, ["a", "b"]),
        ("[.[] | tostring]", [1, True, None, {"a": [1.5]}], ["1", "true", "null", '{"a":[1.5]}']),
    ],
)
def test_known_answers(source: str, data: Any, expected: Any) -> None:
    """The library agrees with itself in all the other tests; these say what is right."""
    assert compile(source).native
    assert json.dumps(evaluate(source, data)) == json.dumps(expected)


def test_numbers_that_pass_through_keep_their_digits() -> None:
    """Data that is only handed on is handed on as it is, which jq's language says and its Python package does not."""
    number = 12345678901234567890
    assert evaluate(".n", {"n": number}) == number
    assert evaluate("{m: .n}", {"n": number}) == {"m": number}
    assert evaluate(".n + 0", {"n": number}) == int(float(number))


def test_long_loops_are_as_right_as_short_ones() -> None:
    """Closures hand a loop that copies too much to the library, in the middle of it."""
    data = list(range(3000))
    assert evaluate("reduce .[] as $x ([]; . + [$x])", data) == data
    assert evaluate("reduce .[] as $x (0; . + $x)", data) == sum(data)
    assert evaluate(".[] |= . + 1", data) == [value + 1 for value in data]
    assert evaluate("(.[] | select(. > 1500)) |= 0", data) == [value if value <= 1500 else 0 for value in data]


def test_deep_data() -> None:
    deep: Any = 1
    for _ in range(500):
        deep = [deep]
    assert evaluate("flatten", deep) == [1]
    assert evaluate("[..] | length", deep) == 501
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ExpressionFailed, match="nested too deeply"):
        evaluate("flatten", deep)
