"""The schema for editors: it is one, it explains everything, and it agrees with the compiler."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from flowrt.compiler import InvalidDefinition, compile_text
from flowrt.compiler.document import read
from flowrt.schema import PARTS, part_of, schema
from flowrt.testing.play import languages
from flowrt.testing.scenario import load
from tests.conformance.spec import MISSING, SPECIFICATION

Json = Any
Place = tuple[str | int, ...]

REPOSITORY = Path(__file__).parents[1]
WORKFLOWS = sorted((REPOSITORY / "workflows").glob("*.yaml"))
SCENARIOS = sorted((REPOSITORY / "tests" / "conformance").glob("*/*.yaml"))
EXAMPLES = sorted((SPECIFICATION / "examples").glob("*.yaml"))

SCHEMA = schema()
VALIDATOR = jsonschema_rs.validator_for(SCHEMA)
LANGUAGES = languages(lambda name: name == "greet" or "@" in name)
DOCUMENT = {"dsl": "1.0.3", "namespace": "test", "name": "schema", "version": "0.1.0"}

WORDS = {
    "$schema", "$id", "$defs", "$ref", "title", "description", "default", "examples", "type", "enum", "const",
    "pattern", "minimum", "minLength", "minItems", "minProperties", "maxProperties", "minContains", "maxContains",
    "properties", "required", "additionalProperties", "propertyNames", "items", "contains", "dependentRequired",
    "allOf", "anyOf", "oneOf", "not", "if", "then", "else",
}  # fmt: skip
"""The words of JSON Schema that it is written with: a misspelt one would mean nothing, and nobody would notice."""

BEYOND = (
    "no task '", "is used twice", "there is no ", "the expression '", "no valid schema",
    "is not listed under use.secrets", "cron expression", "to another branch", "expected one of jq",
)  # fmt: skip
"""What only the compiler can tell: names that lead nowhere or twice somewhere, and expressions that do not compile."""

SOAK = "FLOWRT_SOAK" in os.environ
VALUES: tuple[Json, ...] = (
    None, 5, -1, 1.5, True, False, "", "x", "${ .a }", [], ["a"], {}, {"a": 1}, {"use": "x"}, {"seconds": 1},
    [{"a": {"set": {"b": 1}}}],
)  # fmt: skip
"""What is put in the place of every part of a definition."""


def whole(data: Json) -> Json:
    """The definition that a list of tasks makes, or one without its head."""
    return {"document": DOCUMENT, **({"do": data} if isinstance(data, list) else data)}


def samples() -> dict[str, Json]:
    """Definitions that together have every property: the samples, and each task of those that are lists of tasks."""
    found: dict[str, Json] = {}
    for path in sorted((REPOSITORY / "tests" / "schema_samples").glob("*.yaml")):
        data = read(path.read_bytes()).data
        if isinstance(data, list):
            found |= {f"{path.stem}-{next(iter(task))}": whole([task]) for task in data}
        else:
            found[path.stem] = whole(data)
    return found


SAMPLES = samples()
WRONG = read((REPOSITORY / "tests" / "schema_wrong.yaml").read_bytes()).data


def problems(data: Json) -> list[Any]:
    """What the compiler says is wrong."""
    try:
        compile_text(json.dumps(data), LANGUAGES)
    except InvalidDefinition as error:
        return [located.problem for located in error.problems]
    return []


def places(value: Json, path: Place = ()) -> Iterator[Place]:
    """Every place below the top."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        yield (*path, name)
        yield from places(member, (*path, name))


def variants(data: Json, path: Place) -> Iterator[tuple[Json, Json]]:
    """The definition with something else in that place: another value, nothing, another name, one member more."""
    # Every third value, beginning elsewhere at each place; all of them in `make soak`.
    values = VALUES if SOAK else VALUES[sum(map(len, map(str, path))) % 3 :: 3]
    for change in (*values, "remove", "rename", "add"):
        variant = copy.deepcopy(data)
        around = variant
        for token in path[:-1]:
            around = around[token]
        name = path[-1]
        if change == "remove":
            del around[name]
        elif change == "rename":
            if not isinstance(around, dict):
                continue
            around["bogus"] = around.pop(name)
        elif change == "add":
            # The compiler does not look into a component that nobody refers to.
            if not isinstance(around[name], dict) or (path[0] == "use" and len(path) == 2):
                continue
            around[name]["bogus"] = 1
        else:
            around[name] = change
        yield change, variant


def subschemas(value: Json, where: str = "") -> Iterator[tuple[str, dict[str, Json]]]:
    """Every schema inside, with where it stands; booleans are left out."""
    if not isinstance(value, dict):
        return
    yield where, value
    for word in ("properties", "$defs"):
        for name, inner in value.get(word, {}).items():
            yield from subschemas(inner, f"{where}/{word}/{name}")
    for word in ("additionalProperties", "propertyNames", "items", "contains", "not", "if", "then", "else"):
        yield from subschemas(value.get(word), f"{where}/{word}")
    for word in ("allOf", "anyOf", "oneOf"):
        for index, inner in enumerate(value.get(word, ())):
            yield from subschemas(inner, f"{where}/{word}/{index}")


def explained(each: dict[str, Json]) -> bool:
    if "title" in each or "description" in each:
        return True
    return "$ref" in each and explained(SCHEMA["$defs"][each["$ref"].removeprefix("#/$defs/")])


def test_it_is_a_schema_of_its_dialect() -> None:
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema_rs.meta.validate(SCHEMA)
    unknown = {f"{where}: {word}" for where, each in subschemas(SCHEMA) for word in each if word not in WORDS}
    assert not unknown


def test_its_parts_do_not_overlap_and_are_all_used() -> None:
    names = [name for part in PARTS for name in part_of(part)]
    assert len(names) == len(set(names))
    used = {each["$ref"].removeprefix("#/$defs/") for _, each in subschemas(SCHEMA) if "$ref" in each}
    assert used == set(SCHEMA["$defs"])


def test_everything_is_explained() -> None:
    conditions = ("/if", "/then", "/else", "/contains", "/not")
    bare = [
        f"{where}: {name}"
        for where, each in subschemas(SCHEMA)
        if not any(word in where for word in conditions)
        for name, member in each.get("properties", {}).items()
        if not explained(member)
    ]
    kinds = [kind["required"] for kind in SCHEMA["$defs"]["task"]["oneOf"] if "title" not in kind]
    assert (bare, kinds) == ([], [])


def test_every_task_kind_is_there() -> None:
    from flowrt.tasks import TASKS
    from flowrt.tasks.common import SHARED

    task = SCHEMA["$defs"]["task"]
    assert sorted(kind["required"][0] for kind in task["oneOf"]) == sorted(TASKS)
    assert set(task["properties"]) == {*SHARED, *(name for _, own in TASKS.values() for name in own)}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_the_workflows_here_are_valid(path: Path) -> None:
    VALIDATOR.validate(read(path.read_bytes()).data)


@pytest.mark.skipif(not EXAMPLES, reason=MISSING)
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_of_the_specification_are_valid(path: Path) -> None:
    VALIDATOR.validate(read(path.read_bytes()).data)


def test_what_the_conformance_scenarios_run_is_valid() -> None:
    accepted = 0
    for path in SCENARIOS:
        scenario = load(path)
        if "invalid" in scenario.expect:
            continue
        for source in (scenario.source, *scenario.others):
            VALIDATOR.validate(read(source).data)
            accepted += 1
    assert accepted > 400


def test_what_only_the_compiler_refuses_is_beyond_a_schema() -> None:
    for path in SCENARIOS:
        scenario = load(path)
        data = read(scenario.source).data
        if "invalid" in scenario.expect and VALIDATOR.is_valid(data):
            messages = [problem.message for problem in problems(data)]
            assert [message for message in messages if not any(word in message for word in BEYOND)] == [], path


@pytest.mark.parametrize("data", SAMPLES.values(), ids=SAMPLES)
def test_it_agrees_with_the_compiler_on_whatever_stands_anywhere(data: Json) -> None:
    assert problems(data) == []
    VALIDATOR.validate(data)
    wrong = []
    for place in places(data):
        for change, variant in variants(data, place):
            found, valid = problems(variant), VALIDATOR.is_valid(variant)
            said = [str(each) for each in found if not any(word in each.message for word in BEYOND)]
            if not valid and not found:
                wrong.append(f"{place} {change!r}: only the schema refuses it")
            elif valid and said:
                wrong.append(f"{place} {change!r}: only the compiler refuses it, {said}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_refused_by_both_and_in_the_same_place(case: Json) -> None:
    data, position = whole(case["definition"]), case["at"]
    compiler = [problem.position.rstrip("/") for problem in problems(data)]
    editor = ["".join(f"/{token}" for token in error.instance_path) for error in VALIDATOR.iter_errors(data)]
    assert any(each.startswith(position) for each in compiler), compiler
    # A schema finds a property that should not be there in the object around it, and the unit of a duration in itself.
    assert any(each.startswith(position) or each == position.rpartition("/")[0] for each in editor), editor


def test_a_definition_without_head_or_tasks_is_refused_by_both() -> None:
    for data in ({"do": [{"work": {"set": {"n": 1}}}]}, {"document": DOCUMENT}, {}, [], None, "document"):
        assert problems(data), data
        assert not VALIDATOR.is_valid(data), data


def test_the_verb_prints_it() -> None:
    done = subprocess.run([sys.executable, "-m", "flowrt", "schema"], capture_output=True, check=True)
    assert json.loads(done.stdout) == SCHEMA


def test_its_help_says_how_an_editor_is_told() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "flowrt", "schema", "--help"], capture_output=True, text=True, check=True
    )
    assert "# yaml-language-server: $schema=flowrt.schema.json" in done.stdout
