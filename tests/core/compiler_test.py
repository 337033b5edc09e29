"""The compiler: where problems are, that all are found, and what it builds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flowrt.compiler import InvalidDefinition, compile_text
from tests.core.worlds import GET, KNOWN, compiled, problems

SET = {"set": {"n": 1}}


def test_problems_have_lines() -> None:
    text = (
        "document: {dsl: '1.0.3', namespace: test, name: it, version: '1.0.0'}\n"
        "do:\n"
        "  - first:\n"
        "      set:\n"
        "        a: 1\n"
        "        b: ['${ .x + }']\n"
        "      then: nowhere\n"
    )
    with pytest.raises(InvalidDefinition) as error:
        compile_text(text, KNOWN, "it.yaml")
    lines = str(error.value).split("\n")
    assert any(
        line.startswith("it.yaml:6:13: /do/0/first/set/b/0: the expression '.x +' is not valid") for line in lines
    )
    assert any(line.startswith("it.yaml:7:7: /do/0/first/then: no task 'nowhere'") for line in lines)
    assert error.value.problems[0].to_json()["line"] == 6


@pytest.mark.parametrize(
    ("task", "position"),
    [
        ({**SET, "iff": "."}, "/do/0/t0/iff"),
        ({"set": {"a": "${ $nothing }"}}, "/do/0/t0/set/a"),
        ({"for": {"each": "x", "in": "."}, "do": [{"y": {"set": "${ $index2 }"}}]}, "/do/0/t0/do/0/y/set"),
        ({"try": [{"y": SET}], "catch": {"as": "e", "when": "$err.status"}}, "/do/0/t0/catch/when"),
        ({"try": [{"y": {"set": "${ $error }"}}], "catch": {}}, "/do/0/t0/try/0/y/set"),
        ({"do": []}, "/do/0/t0/do"),
        ({"do": [{"x": SET, "y": SET}]}, "/do/0/t0/do/0"),
        ({"do": {"x": SET}}, "/do/0/t0/do"),
        ({"do": [{"x": {"set": {"a": 1}, "then": "t0"}}]}, "/do/0/t0/do/0/x/then"),
        ({"raise": {"error": {"type": "late", "status": 400}}}, "/do/0/t0/raise/error/type"),
        ({"raise": {"error": {"type": "timeout", "status": "x"}}}, "/do/0/t0/raise/error/status"),
        ({"fork": {"branches": [{"a": {**SET, "then": "b"}}, {"b": SET}]}}, "/do/0/t0/fork/branches/0/a"),
        ({"call": "missing"}, "/do/0/t0/call"),
        ({"switch": []}, "/do/0/t0/switch"),
        ({"wait": "soon"}, "/do/0/t0/wait"),
        ({"listen": {"to": {"one": {"with": {}}}}}, "/do/0/t0/listen/to/one/with"),
        ({"run": {"workflow": {"name": "x"}}}, "/do/0/t0/run/workflow"),
        ({"emit": {"event": {"with": {"type": "a"}}}}, "/do/0/t0/emit/event/with"),
        ({**SET, "timeout": "missing"}, "/do/0/t0/timeout"),
        ({**SET, "input": {"schema": {"document": {"type": "no-such-type"}}}}, "/do/0/t0/input/schema/document"),
        ("text", "/do/0/t0"),
        ({}, "/do/0/t0"),
    ],
)
def test_a_problem_has_a_position(task: Any, position: str) -> None:
    assert position in [found for found, _ in problems(task)]


def test_correlation_expectations_may_be_constants() -> None:
    def listening(expect: Any) -> Any:
        filter_ = {"with": {"type": "a"}, "correlate": {"key": {"from": ".data.k", "expect": expect}}}
        return {"listen": {"to": {"one": filter_}}}

    for fine in ("open", "order-7", ".n", "${ .n }", 7, True):
        assert problems(listening(fine)) == []
    assert problems(listening(".n +"))[0][0] == "/do/0/t0/listen/to/one/correlate/key/expect"


def test_a_function_that_calls_itself_is_refused() -> None:
    found = problems({"call": "a"}, use={"functions": {"a": {"call": "b"}, "b": {"do": [{"x": {"call": "a"}}]}}})
    assert any("calls itself" in message for _, message in found)


def test_every_task_has_a_key_of_its_own() -> None:
    log = {"extend": "all", "before": [{"say": {"call": "work"}}], "after": [{"say": {"call": "work"}}]}
    functions = {"outer": {"call": "inner"}, "inner": GET, "list": {"do": [{"a": {"call": "outer"}}, {"b": GET}]}}
    use = {"extensions": [{"log": log}, {"more": log}], "functions": functions}
    definition = compiled({"call": "outer"}, {"call": "list"}, {"do": [{"x": {"call": "list"}}]}, use=use)
    keys: list[str] = []
    positions: list[tuple[str, str]] = []

    def walk(task: Any) -> None:
        keys.append(task.key)
        if hasattr(task, "effect_kind"):
            positions.append((task.position, task.key))
        for child in task.children:
            walk(child)

    walk(definition.root)
    assert len(keys) > 40
    assert len(set(keys)) == len(keys)
    assert len({position for position, _ in positions}) == len(positions)
    assert set(definition.tasks) == set(keys)


def test_the_digest_is_of_the_text() -> None:
    one, same, other = compiled(SET), compiled(SET), compiled({"set": {"n": 2}})
    assert one.digest == same.digest != other.digest
    assert json.loads(one.source) == one.document
