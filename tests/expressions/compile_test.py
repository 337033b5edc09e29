"""What compiling tells: names, mistakes with their place, what is refused, how a program will run."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from flowrt.core.expression import ExpressionFailed, InvalidExpression
from flowrt.expressions.jq import compile, explain
from tests.expressions.agreement import evaluate

ROOT = Path(__file__).parents[2]
REFUSED = [
    "env",
    "$ENV",
    "env.PATH",
    "$ENV.PATH",
    '"\\(env)"',
    "{a: env}",
    "{$ENV}",
    "def f: env; f",
    "[.[] | $ENV]",
    ". as {($ENV | tostring): $x} | $x",
    "1 as $x | $ENV",
    "def f(g): g; f(env)",
    "(def env: 1; env) | env",
    "input",
    "inputs",
    "[inputs]",
    "input_filename",
    "input_line_number",
    "debug",
    'debug("x")',
    "stderr",
    "halt",
    "halt_error",
    "halt_error(1)",
    "$__prog_args",
    "get_search_list",
    '"m" | modulemeta',
    'import "a" as a; .',
    'include "a"; .',
    'import "a" as $a; .',
    "module {}; .",
    '# x\ninclude "a"; .',
]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "names"),
    [
        (".a", set()),
        ("$x", {"x"}),
        ("$context.user + $item", {"context", "item"}),
        ("$__loc__", set()),
        ("1 as $x | $x", set()),
        ("$x as $x | $x", {"x"}),
        ("(1 as $x | $x), $x", {"x"}),
        (". as [$a, {b: $c}] | $a + $c + $d", {"d"}),
        (". as {$a, ($k): $b} | $a + $b", {"k"}),
        ("reduce $list[] as $x ($start; . + $x + $more)", {"list", "start", "more"}),
        ("foreach .[] as $x (0; . + $x; [$x, $y])", {"y"}),
        ("def f($a): $a + $b; f($c)", {"b", "c"}),
        ("def f(a): a; f($x)", {"x"}),
        ("{$a, b: $c, ($d): 1}", {"a", "c", "d"}),
        ('"\\($x) and \\(.y)"', {"x"}),
        (".[$i:$j]", {"i", "j"}),
        (". as [$x] ?// $x | $x", set()),
        ("label $out | $out2 | break $out", {"out2"}),
        ("1 as $ENV | $ENV", set()),
    ],
)
def test_names(source: str, names: set[str]) -> None:
    assert compile(source).names == names


def test_lookup_is_called_for_mentioned_names_only() -> None:
    asked: list[str] = []

    def lookup(name: str) -> int:
        asked.append(name)
        return 1

    compile("if .a then $x else $y end").evaluate({"a": True}, lookup)
    assert asked == ["x"]
    compile(".a + 1").evaluate({"a": 1}, lookup)
    assert asked == ["x"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "not given"),
        (".a |", r"unexpected end of file, line 1, column 4"),
        ("{a", r"unexpected end of file"),
        (".a\n  | nope", r"nope/0 is not defined, line 2, column 5"),
        ("length(1)", r"length/1 is not defined, line 1"),
        ("1 == 1 == 1", r"unexpected ==, line 1, column 8"),
        (".a = 1 = 2", "unexpected '='"),
        ("{(1): 2}", r"Cannot use number \(1\) as object key, line 1"),
        ("break $x", "is not defined"),
        ("if 1 then 2", "Possibly unterminated 'if'"),
        ('"abc', "unexpected"),
        ('"\\x"', "Invalid escape"),
        ("$x | nope", "nope/0 is not defined"),
        ("test(1;2;3)", "test/3 is not defined"),
        ("$$$$x", "is not defined"),
        ("(" * 5000 + "1" + ")" * 5000, "nested too deeply|memory exhausted"),
        ("-" * 5000 + "1", "nested too deeply|memory exhausted"),
        ("1" + "+1" * 50_000, "nested too deeply"),
    ],
)
def test_mistakes(source: str, message: str) -> None:
    with pytest.raises(InvalidExpression, match=message) as raised:
        compile(source)
    for ours in ("__", "jq: error", "top-level"):
        assert ours not in str(raised.value)


@pytest.mark.parametrize("source", REFUSED)
def test_refused(source: str) -> None:
    with pytest.raises(InvalidExpression, match="may not be used"):
        compile(source)


def test_names_of_refused_functions_are_free_to_take() -> None:
    assert evaluate("def env: 7; env") == 7
    assert evaluate("def f(input): input + 1; f(1)") == 2
    assert evaluate("{env: .input}", {"input": 1}) == {"env": 1}


def test_nothing_of_the_environment_can_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWRT_TEST_SECRET", "hidden-value")
    for source in ("[builtins] | tostring", "[now, localtime?] | tostring", "[limit(1; repeat(.))] | tostring", "$v"):
        assert "hidden-value" not in str(evaluate(source, 0))
    assert os.environ["FLOWRT_TEST_SECRET"] == "hidden-value"


@pytest.mark.parametrize(
    ("source", "how"),
    [
        (".a.b", "native"),
        ("reduce .[] as $x (0; . + $x)", "native"),
        ("def f(g): [g]; f(.a)", "native"),
        ("now | floor", "libjq"),
        (". as [$a] ?// $a | $a", "libjq"),
        ("@base32d", "libjq"),
        ("1.50 | tostring", "libjq"),
        ('test("a+")', "libjq, in a helper process"),
        ("[range(.n)]", "libjq, in a helper process"),
    ],
)
def test_explain(source: str, how: str) -> None:
    assert explain(source) == how


def test_failures_name_the_expression_and_the_reason() -> None:
    with pytest.raises(ExpressionFailed, match=r"expression '\.a' failed: Cannot index number with string \(\"a\"\)"):
        evaluate(".a", 1)
    with pytest.raises(ExpressionFailed, match=r"expression 'now \| \.a' failed: Cannot index number"):
        evaluate("now | .a", 1)
    with pytest.raises(ExpressionFailed) as raised:
        evaluate(".a" + " " * 1000, 1)
    assert len(str(raised.value)) < 300


def test_expressions_are_compiled_once() -> None:
    assert compile(".a + 1") is compile(".a + 1")


def test_what_the_library_takes_from_its_prefix_is_not_seen() -> None:
    assert evaluate("[$__loc__.line, ($v | type), (now | type)]", 1) == [1, "object", "number"]
    assert evaluate("now | [., $v.b] | .[1] # comment", 1) == "x"
    assert evaluate("(now | 1), $v.b,\n$__loc__.line", 1) == [1, "x", 2]


def test_native_programs_do_not_load_the_library() -> None:
    script = (
        "import sys\n"
        "from flowrt.expressions.jq import compile\n"
        "assert compile('.a + $b').evaluate({'a': 1}, {'b': 2}.__getitem__) == 3\n"
        "print('jq' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "False"


def test_one_expression_in_many_threads() -> None:
    wrong: list[object] = []

    def run(number: int) -> None:
        for _ in range(200):
            for source, expected in (("now | $v + 1", number + 1), ("[.[] | . + $v]", [number])):
                if (result := evaluate(source, [0], v=number)) != expected:
                    wrong.append((source, result))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
