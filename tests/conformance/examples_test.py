"""Every example of the specification compiles."""

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
