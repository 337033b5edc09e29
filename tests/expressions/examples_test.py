"""The specification's own examples: nearly all of their expressions run as closures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from flowrt.expressions.jq import compile

EXAMPLES = Path(__file__).parents[3] / "shared" / "spec" / "examples"
EXPRESSION_KEYS = {"as", "from", "in", "while", "when", "if", "until", "expect", "exceptWhen"}
WRAPPED = re.compile(r"\$\{((?:[^{}]|\{[^{}]*\})*)\}")


def expressions(value: Any, key: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from expressions(item, str(name))
    elif isinstance(value, list):
        for item in value:
            yield from expressions(item, key)
    elif isinstance(value, str):
        wrapped = WRAPPED.findall(value)
        yield from wrapped
        if key in EXPRESSION_KEYS and not wrapped:
            yield value


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the specification's examples are not beside this checkout")
def test_most_expressions_of_the_specification_are_native() -> None:
    found = [
        expression
        for file in sorted(EXAMPLES.rglob("*.yaml"))
        for document in yaml.safe_load_all(file.read_text())
        for expression in expressions(document)
    ]
    native = [expression for expression in found if compile(expression).native]
    print(f"{len(native)} of {len(found)} expressions are native")
    assert len(found) > 50
    assert len(native) / len(found) >= 0.9
