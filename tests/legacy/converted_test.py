"""0.8 definitions converted, compiled and run: each of `definitions/` as the file of its name in `runs/` expects."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema_rs import Draft202012Validator

from flowrt.compiler.document import read
from flowrt.testing.scenario import load, run
from tests.conformance.spec import MISSING, SPECIFICATION
from tests.legacy.conversion import DEFINITIONS, converted

RUNS = sorted((Path(__file__).parent / "runs").glob("*.yaml"))
SCHEMA = SPECIFICATION / "schema" / "workflow.yaml"


def definition_of(expected: Path) -> Path:
    return next(path for path in DEFINITIONS.iterdir() if path.name.partition(".")[0] == expected.stem)


@lru_cache
def conversion(python: Path, file: Path) -> dict[str, Any]:
    return converted(python, file)


@pytest.mark.parametrize("expected", RUNS, ids=lambda path: path.stem)
def test_it_runs_as_it_did(expected: Path, legacy_python: Path, tmp_path: Path) -> None:
    result = conversion(legacy_python, definition_of(expected))
    definition = tmp_path / "definition.yaml"
    definition.write_text(yaml.safe_dump(result["definition"], sort_keys=False), encoding="utf-8")
    wanted = yaml.safe_load(expected.read_text(encoding="utf-8"))
    for number, parts in enumerate(wanted["runs"]):
        file = tmp_path / f"{number}.test.yaml"
        file.write_text(yaml.safe_dump({"definition": definition.name, **parts}), encoding="utf-8")
        scenario = load(file)
        differences = run(scenario) or run(scenario, crash_everywhere=True)
        assert not differences, f"run {number}\n" + "\n".join(differences)


@pytest.mark.parametrize("expected", RUNS, ids=lambda path: path.stem)
def test_what_has_no_counterpart_is_noted(expected: Path, legacy_python: Path) -> None:
    notes = [
        f"{note['where']}: {note['message']}" for note in conversion(legacy_python, definition_of(expected))["notes"]
    ]
    for wanted in yaml.safe_load(expected.read_text(encoding="utf-8")).get("notes", ()):
        assert any(wanted in note for note in notes), notes


@pytest.mark.skipif(not SCHEMA.is_file(), reason=MISSING)
@pytest.mark.parametrize("expected", RUNS, ids=lambda path: path.stem)
def test_it_fits_the_schema_of_the_specification(expected: Path, legacy_python: Path) -> None:
    schema = Draft202012Validator(read(SCHEMA.read_bytes()).data)
    schema.validate(conversion(legacy_python, definition_of(expected))["definition"])


def test_every_definition_is_run() -> None:
    assert {definition_of(path) for path in RUNS} | {DEFINITIONS / "intake.yaml"} == {*DEFINITIONS.iterdir()}
    assert len(RUNS) >= 12
