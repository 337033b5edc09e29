"""The specification's conformance kit, step by step; what it calls outside is answered as those services do."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from flowrt.compiler import compile_text
from flowrt.compiler.document import read
from flowrt.core.effect import Effect, Outcome
from flowrt.core.fault import Fault
from flowrt.core.instance import Instance
from flowrt.testing.compare import differing, missing
from flowrt.testing.happening import Answer, CrashEverywhere, crash_never
from flowrt.testing.play import languages
from flowrt.testing.world import World
from tests.conformance.spec import MISSING, SPECIFICATION

Json = Any
FEATURES = sorted((SPECIFICATION / "ctk" / "features").glob("*.feature"))
PET = {"id": 1, "name": "Milou", "status": "available"}


@dataclass
class Case:
    """A scenario of the kit."""

    name: str
    steps: list[tuple[str, str | None]]
    """Text, and the document below it."""
    definition: str = ""
    input: Json = field(default_factory=dict)
    world: World | None = None

    @property
    def instance(self) -> Instance:
        assert self.world is not None
        return self.world.read("it")

    @property
    def order(self) -> list[str]:
        assert self.world is not None
        return [record.task.name for record in self.world.trace["it"]]


def cases() -> list[Case]:
    from gherkin.parser import Parser

    found = []
    for path in FEATURES:
        feature: Json = Parser().parse(path.read_text(encoding="utf-8"))["feature"]
        for child in feature["children"]:
            scenario = child["scenario"]
            steps = [(step["text"], step.get("docString", {}).get("content")) for step in scenario["steps"]]
            found.append(Case(f"{path.stem}: {scenario['name']}", steps))
    return found


def answer(effect: Effect) -> Answer:
    """What the pet store, and the service that checks passwords, say."""
    arguments = effect.arguments
    if effect.kind == "openapi":
        uri, listing = arguments["document"]["endpoint"]["uri"], arguments["operationId"] == "findPetsByStatus"
    else:
        uri, listing = arguments["endpoint"], "findByStatus" in arguments["endpoint"]
    if "/pet/getPetByName/" in uri:
        return Answer(Fault.of("communication", "no such operation", status=404, title="Not Found"), 0.2)
    number = re.search(r"/pet/(\d+)$", uri)
    pet = {**PET, "id": int(number[1])} if number else PET
    content = [pet] if listing else {"authenticated": True} if "httpbin" in uri else pet
    if arguments.get("output") != "response":
        return Answer(Outcome(content), 0.2)
    request = {"method": arguments.get("method", "get"), "uri": uri, "headers": {}}
    headers = {"content-type": "application/json"}
    return Answer(Outcome({"request": request, "statusCode": 200, "headers": headers, "content": content}), 0.2)


def execute(case: Case, crash: Callable[[bool], bool]) -> None:
    known = languages()
    definition = compile_text(case.definition, known)
    case.world = World([definition], answer, known.expressions["jq"], crash=crash)
    case.world.start(definition, case.input, "it")
    case.world.run()


def member(value: Json, path: str) -> Json:
    for name in path.split("."):
        assert isinstance(value, dict), f"{value!r} has no {name}"
        assert name in value, f"{value!r} has no {name}"
        value = value[name]
    return value


def check(case: Case, text: str, document: str | None) -> None:
    """One step that says what is to come of it."""
    instance = case.instance
    expected = None if document is None else read(document).data
    if text.startswith("the workflow should complete"):
        assert instance.status == "completed", instance.error
        assert document is None or differing(expected, instance.output) is None, instance.output
    elif text.startswith("the workflow should fault"):
        assert instance.status == "faulted"
        assert instance.error is not None
        assert document is None or missing(expected, instance.error.to_json()) is None, instance.error
    elif found := re.fullmatch(r"the workflow output should have properties (.+)", text):
        for path in re.findall(r"'([^']+)'", found[1]):
            member(instance.output, path)
    elif found := re.fullmatch(r"the workflow output should have a '(.+)' property with value:", text):
        assert differing(expected, member(instance.output, found[1])) is None
    elif found := re.fullmatch(r"the workflow output should have a '(.+)' property containing (\d+) items", text):
        assert len(member(instance.output, found[1])) == int(found[2])
    elif found := re.fullmatch(r"(\w+) should run (first|last)", text):
        assert case.order[0 if found[2] == "first" else -1] == found[1]
    elif found := re.fullmatch(r"(\w+) should run after (\w+)", text):
        assert case.order.index(found[1]) > case.order.index(found[2])
    else:
        pytest.fail(f"a step of a kind that is not known: {text}")


@pytest.mark.skipif(not FEATURES, reason=MISSING)
@pytest.mark.parametrize("crashes", [False, True], ids=["calm", "crashing"])
@pytest.mark.parametrize("case", cases() if FEATURES else [Case("the kit", [])], ids=lambda case: case.name)
def test_case(case: Case, crashes: bool) -> None:
    for text, document in case.steps:
        if text.startswith("a workflow with definition"):
            case.definition = document or ""
        elif text.startswith("given the workflow input is"):
            case.input = read(document or "").data
        elif text == "the workflow is executed":
            execute(case, CrashEverywhere() if crashes else crash_never)
        else:
            check(case, text, document)
