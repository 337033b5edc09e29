"""Every example of the specification compiles, and has a test that runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowrt.compiler import InvalidDefinition, compile_text
from flowrt.testing.play import languages
from tests.conformance.spec import MISSING, SPECIFICATION

EXAMPLES = sorted((SPECIFICATION / "examples").glob("*.yaml"))


@pytest.mark.skipif(not EXAMPLES, reason=MISSING)
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_compiles(path: Path) -> None:
    try:
        definition = compile_text(path.read_bytes(), languages(lambda name: "@" in name), str(path))
    except InvalidDefinition as error:
        pytest.fail(str(error))
    assert definition.root.children


@pytest.mark.skipif(not EXAMPLES, reason=MISSING)
def test_every_example_is_run_somewhere() -> None:
    """By name, in the tests that run examples against stand-ins."""
    tests = [
        *Path(__file__).parent.glob("examples/*_test.py"),
        *Path(__file__).parents[1].glob("effects/*/*_examples_test.py"),
    ]
    text = "".join(test.read_text(encoding="utf-8") for test in tests)
    assert [path.stem for path in EXAMPLES if f'"{path.stem}"' not in text] == []
