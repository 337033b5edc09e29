"""`flowrt convert` as a user meets it: what it writes, and what it says about documents that are wrong."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from flowrt import Runtime
from tests.legacy.conversion import DEFINITIONS, convert, converted

STATE = {"name": "Only", "type": "inject", "data": {"a": 1}, "end": True}


def written(folder: Path, **members: Any) -> Path:
    file = folder / "old.json"
    document = {"id": "old", "version": "1.0", "specVersion": "0.8", "states": [STATE], **members}
    file.write_text(json.dumps(document), encoding="utf-8")
    return file


def test_it_writes_yaml_with_its_notes_on_top(legacy_python: Path, tmp_path: Path) -> None:
    target = tmp_path / "loan.yaml"
    done = convert(legacy_python, "loan.yaml", "-o", target, "--namespace", "bank")
    assert done.returncode == 0
    assert done.stdout == ""
    assert "'loan.application' is 'loan-application'" in done.stderr
    text = target.read_text(encoding="utf-8")
    assert text.startswith("# Converted from loan.yaml (Serverless Workflow 0.8).\n# To be looked at")
    document = yaml.safe_load(text)["document"]
    assert document["namespace"] == "bank"
    assert document["version"] == "2.1.0"
    assert document["metadata"] == {"owner": "credit", "annotations": ["finance", "loans"]}


def test_a_json_file_gets_json(legacy_python: Path, tmp_path: Path) -> None:
    target = tmp_path / "greeting.json"
    assert convert(legacy_python, "greeting.json", "-o", target).returncode == 0
    assert json.loads(target.read_text(encoding="utf-8"))["document"]["name"] == "greeting"


def test_arrays_may_replace(legacy_python: Path) -> None:
    shorter = converted(legacy_python, DEFINITIONS / "bakery.json", "--replace-arrays")["definition"]
    merge = shorter["do"][0]["Shop"]["do"][0]["listGoods"]["output"]["as"]
    assert "then . * $new else $new" in merge
    assert "$new - ." not in merge


def test_parts_in_files_of_their_own_are_read(legacy_python: Path, tmp_path: Path) -> None:
    (tmp_path / "functions.yaml").write_text(
        "functions:\n  - {name: twice, type: expression, operation: '{n: (.n * $CONST.by)}'}\n", encoding="utf-8"
    )
    (tmp_path / "constants.json").write_text('{"by": 2}', encoding="utf-8")
    state = {"name": "Twice", "type": "operation", "actions": [{"functionRef": "twice"}], "end": True}
    file = written(tmp_path, functions="file://functions.yaml", constants="constants.json", states=[state])
    definition = converted(legacy_python, file)["definition"]
    assert definition["document"]["metadata"]["constants"] == {"by": 2}
    task = definition["do"][0]["Twice"]["do"][0]["twice"]
    assert task["set"] == "${ {n: (.n * $workflow.definition.document.metadata.constants.by)} }"


def test_schemas_schedules_and_credentials(legacy_python: Path, tmp_path: Path) -> None:
    file = written(
        tmp_path,
        dataInputSchema={"schema": "file://input.json"},
        start={"stateName": "Only", "schedule": "R/PT2H"},
        secrets=["pay"],
        auth=[
            {"name": "a", "scheme": "basic", "properties": "${ $SECRETS.pay }"},
            {
                "name": "b",
                "scheme": "oauth2",
                "properties": {"authority": "https://id.test", "grantType": "tokenExchange", "clientId": "me",
                               "subjectToken": "${ $SECRETS.pay.token }"},
            },
        ],
    )  # fmt: skip
    definition = converted(legacy_python, file)["definition"]
    assert definition["input"] == {"schema": {"format": "json", "resource": {"endpoint": "input.json"}}}
    assert definition["schedule"] == {"every": "PT2H"}
    assert definition["use"]["secrets"] == ["pay"]
    a, b = definition["use"]["authentications"].values()
    assert a == {"basic": {"use": "pay"}}
    assert b["oauth2"]["grant"] == "urn:ietf:params:oauth:grant-type:token-exchange"
    assert b["oauth2"]["subject"]["token"] == "${ $secrets.pay.token }"


@pytest.mark.parametrize(
    ("members", "complaint"),
    [
        ({"states": []}, "/states: a workflow has at least one state"),
        ({"states": [{"name": "A", "type": "wait"}]}, "/states/0/type: 'wait' is no type of a state"),
        ({"states": [{**STATE, "end": None, "transition": "Nowhere"}]}, "there is no state 'Nowhere'"),
        ({"states": [{"name": "A", "type": "sleep", "duration": "soon"}]}, "'soon' is no ISO 8601 duration"),
        (
            {"states": [{"name": "A", "type": "operation", "actions": [{"functionRef": "gone"}], "end": True}]},
            "/states/0/actions/0/functionRef: there is no definition 'gone' under 'functions'",
        ),
        ({"start": "Elsewhere"}, "/start: there is no state 'Elsewhere'"),
        ({"functions": "https://all.test/all.json"}, "/functions: 'https://all.test/all.json' is not fetched"),
        ({"document": {"dsl": "1.0.3"}}, "/document: this is DSL 1.0 already"),
        ({"id": None}, "neither 'id' nor 'key' is given"),
    ],
)  # fmt: skip
def test_a_wrong_document_is_refused(
    members: dict[str, Any], complaint: str, legacy_python: Path, tmp_path: Path
) -> None:
    done = convert(legacy_python, written(tmp_path, **members))
    assert done.returncode == 2
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr


def test_all_problems_are_told_at_once(legacy_python: Path, tmp_path: Path) -> None:
    states = [
        {"name": "A", "type": "sleep", "duration": "soon", "transition": "Nowhere"},
        {"name": "B", "type": "callback", "action": {"functionRef": "gone"}, "eventRef": "missing", "end": True},
    ]
    done = convert(legacy_python, written(tmp_path, states=states))
    for part in ("'soon'", "'Nowhere'", "'gone'", "'missing'"):
        assert part in done.stderr


@pytest.mark.skipif(importlib.util.find_spec("serverlessworkflow") is not None, reason="the SDK is installed here")
def test_without_the_sdk_it_says_how_to_get_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "flowrt", "convert", str(written(tmp_path))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pip install 'flowrt[legacy]'" in done.stderr


async def test_events_start_it_again_and_again(legacy_python: Path, tmp_path: Path) -> None:
    """The events of a starting state come by the schedule; when it is entered again it waits for the next."""
    definition = converted(legacy_python, DEFINITIONS / "intake.yaml", "--replace-arrays")["definition"]
    file = tmp_path / "intake.yaml"
    file.write_text(yaml.safe_dump(definition, sort_keys=False), encoding="utf-8")

    def event(id: str, type: str, patient: str, **data: Any) -> dict[str, Any]:
        source = "https://door.test"
        return {"specversion": "1.0", "id": id, "type": type, "source": source, "patient": patient, "data": data}

    async with Runtime() as runtime:
        listening = Listening()
        runtime.on_event(listening.count)
        await runtime.assembly.service.deploy(file.read_bytes())  # returns when the schedule hears events
        await runtime.publish(event("1", "patient.arrived", "p1", name="Ada"))
        await listening.times(1)
        handle = await anext(runtime.instances())
        await runtime.publish(event("2", "patient.left", "p2", back=False))
        await runtime.publish(event("3", "patient.left", "p1", back=True))
        await listening.times(2)
        await runtime.publish(event("4", "patient.arrived", "p1", name="Ada again"))
        await listening.times(4)  # the same event has started another instance
        await runtime.publish(event("5", "patient.left", "p1", back=False))
        result = await handle.result(timeout=10)
    assert result.status == "completed", result.error
    assert result.output == {"person": {"name": "Ada again"}, "visits": 2, "back": False}


class Listening:
    """Waits until an instance has begun to listen so many times."""

    def __init__(self) -> None:
        self.seen = 0
        self.changed = asyncio.Event()

    def count(self, event: dict[str, Any]) -> None:
        if "correlation-started" in event["type"]:
            self.seen += 1
            self.changed.set()

    async def times(self, wanted: int) -> None:
        async with asyncio.timeout(10):
            while self.seen < wanted:
                self.changed.clear()
                await self.changed.wait()
