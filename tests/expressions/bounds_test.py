"""Which programs are bounded by their data, and that the guards of closures hold where they replace a bound."""

from __future__ import annotations

import pytest

from flowrt.core.expression import ExpressionFailed
from flowrt.expressions.jq import compile
from tests.expressions.agreement import evaluate

BOUNDED = [
    ".a.b[0]",
    "[.[] | select(.x > 1)]",
    "..",
    "recurse",
    "walk(.)",
    "paths",
    "[range(10)]",
    "[range(2; 100)]",
    "[range(0; 10; 2)]",
    "to_entries",
    ".a * .b",
    ".a *= 2",
    '.a * 3 + "x"',
    ".[.k] = 1",
    "setpath([.k]; 1)",
    "reduce .[] as $x (0; . + $x)",
    "reduce .[] as $x ({}; .[$x.k] += $x.n)",
    "reduce .[] as $x ({}; . + {($x.k): $x.n})",
    "reduce .[] as $x ([]; . + [$x])",
    'reduce .[] as $x (""; . + $x + ",")',
    "reduce .[] as $x (0; . * $x)",
    "reduce .[] as $x ({sum: 0, n: 0}; {sum: (.sum + $x), n: (.n + 1)})",
    "reduce .[] as $x ({}; .sum += $x | .n += 1)",
    "reduce .[] as $x (null; if . == null or . < $x then $x else . end)",
    "reduce .[] as $x (0; [., $x] | max)",
    "foreach .[] as $x (0; . + 1; {n: ., v: $x})",
    "def total(f): reduce .[] as $x (0; . + ($x | f)); total(.n)",
    "def f(g): g | g; f(.a)",
    "def f: def g: 1; g; f",
    "now",
    "limit(3; .[])",
    "[.[] | tojson | fromjson]",
]
UNBOUNDED = [
    "[range(.n)]",
    "[range(1; .n)]",
    "[range(length)]",
    "[range(100000000)]",
    "[range(1000) | range(1000)]",
    "[range(0; 1; 0)]",
    "[range(0; 1; 0.0000001)]",
    "until(. > 5; . + 1)",
    "while(. < 5; . + 1)",
    "repeat(.)",
    "recurse(.a)",
    "recurse(. * 2; . < 1000)",
    "def f: f; f",
    "def f: [f]; f",
    "def f(x): if x then f(x) else 1 end; f(.)",
    "def f: def g: f; g; f",
    "[combinations]",
    "combinations(3)",
    'test("a")',
    'test("a"; "x")',
    'match("a")',
    'capture("a")',
    'scan("a")',
    'split("a"; "g")',
    'splits("a")',
    'sub("a"; "b")',
    'gsub("a"; "b")',
    'map(select(.name | test("^a")))',
    "reduce .[] as $x (1; [., .])",
    "reduce .[] as $x (1; {a: ., b: .})",
    'reduce .[] as $x ("x"; . + .)',
    'reduce .[] as $x ("x"; "\\(.)\\(.)")',
    'reduce .[] as $x ("x"; tojson)',
    "reduce .[] as $x ([1]; map(., .))",
    "reduce .[] as $x ([1]; . as $a | $a + $a)",
    "reduce .[] as $x ({}; .a = .)",
    "reduce .[] as $x ([0]; [.[] | ., 0])",
    "foreach .[] as $x (1; [., .]; 1)",
    "def double: [., .]; reduce .[] as $x (1; double)",
    "now | . * $w",
    "now | [] | .[$w] = 1",
    "now | setpath([$w]; 1)",
]


@pytest.mark.parametrize("source", BOUNDED)
def test_bounded(source: str) -> None:
    assert compile(source).bounded


@pytest.mark.parametrize("source", UNBOUNDED)
def test_unbounded(source: str) -> None:
    expression = compile(source)
    assert not expression.bounded
    assert not expression.native


@pytest.mark.parametrize(
    ("source", "data", "message"),
    [
        (".s * .n", {"s": "x", "n": 10**12}, "Repeat string result too long"),
        (".n * .s", {"s": "x" * 1000, "n": 10**5}, "Repeat string result too long"),
        (".[.i] = 1", {"i": 0}, "Cannot index object with number"),
        (".a[$w] = 1", {}, "Array index too large"),
        ("setpath([$w]; 1)", None, "Array index too large"),
        ("reduce .[] as $x (.[0]; . * 2)", ["x" * 1000] * 100, "Repeat string result too long"),
    ],
)
def test_guards_of_closures(source: str, data: object, message: str) -> None:
    assert compile(source).native
    with pytest.raises(ExpressionFailed, match=message):
        evaluate(source, data, w=100_000_000)


def test_guards_let_through_what_is_large_but_sensible() -> None:
    assert len(evaluate(".s * .n", {"s": "x", "n": 10**6})) == 10**6
    assert len(evaluate(".[$w] = 1", [], w=10_000)) == 10_001
