"""Functions, listeners, expression languages and secrets that another distribution brings by entry point."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.plugins.distribution import flowrt, install

HEAD = "document: {dsl: '1.0.3', namespace: test, name: plugged, version: 1.0.0}\n"


def workflow(folder: Path, text: str) -> Path:
    file = folder / "workflow.yaml"
    file.write_text(HEAD + text, encoding="utf-8")
    return file


def test_a_function_is_called_by_its_name(tmp_path: Path) -> None:
    source = """
        async def double(number):
            return number * 2
    """
    install(tmp_path, "arithmetic", source, {"flowrt.functions": {"double": "arithmetic:double"}})
    file = workflow(tmp_path, "do:\n- twice:\n    call: double\n    with: {number: '${ .n }'}\n")
    done = flowrt(tmp_path, "run", file, "--input", '{"n": 21}')
    assert json.loads(done.stdout) == 42, done.stderr


def test_a_listener_gets_every_event_emitted(tmp_path: Path) -> None:
    source = """
        import json

        def write(event):
            with open("events.jsonl", "a") as file:
                file.write(json.dumps({"type": event["type"], "data": event.get("data")}) + "\\n")

        async def asynchronous(event):
            with open("asynchronous.jsonl", "a") as file:
                file.write(event["type"] + "\\n")
    """
    listeners = {"write": "listening:write", "later": "listening:asynchronous"}
    install(tmp_path, "listening", source, {"flowrt.listeners": listeners})
    emitted = "{source: 'https://shop.test', type: shop.opened, data: {at: 9}}"
    file = workflow(tmp_path, f"do:\n- tell:\n    emit: {{event: {{with: {emitted}}}}}\n")
    assert flowrt(tmp_path, "run", file).returncode == 0
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert {"type": "shop.opened", "data": {"at": 9}} in events
    assert "io.serverlessworkflow.workflow.completed.v1" in [event["type"] for event in events]
    assert "shop.opened" in (tmp_path / "asynchronous.jsonl").read_text().splitlines()


def test_a_listener_that_fails_does_no_harm(tmp_path: Path) -> None:
    source = """
        def fail(event):
            raise RuntimeError("nobody is listening")
    """
    install(tmp_path, "failing", source, {"flowrt.listeners": {"fail": "failing:fail"}})
    done = flowrt(tmp_path, "run", workflow(tmp_path, "do:\n- one:\n    set: {a: 1}\n"))
    assert json.loads(done.stdout) == {"a": 1}


LANGUAGE = """
    from flowrt.core.expression import Expression, InvalidExpression

    def compile(source):
        if not source.isidentifier():
            raise InvalidExpression(f"'{source}' is no name")
        return Expression(source, frozenset(), lambda data, lookup: data.get(source))
"""


@pytest.mark.parametrize("target", ["names", "names:compile"])
def test_a_language_is_chosen_by_evaluate_or_by_its_prefix(target: str, tmp_path: Path) -> None:
    install(tmp_path, "names", LANGUAGE, {"flowrt.expressions": {"names": target}})
    whole = workflow(tmp_path, "evaluate: {language: names}\ndo:\n- one:\n    set: {b: '${ a }'}\n")
    assert json.loads(flowrt(tmp_path, "run", whole, "--input", '{"a": 1}').stdout) == {"b": 1}
    one = workflow(tmp_path, "do:\n- one:\n    set: {b: '${ names: a }', c: '${ .a + 1 }'}\n")
    assert json.loads(flowrt(tmp_path, "run", one, "--input", '{"a": 1}').stdout) == {"b": 1, "c": 2}


def test_a_language_tells_what_it_does_not_understand_at_load(tmp_path: Path) -> None:
    install(tmp_path, "names", LANGUAGE, {"flowrt.expressions": {"names": "names"}})
    done = flowrt(tmp_path, "validate", workflow(tmp_path, "do:\n- one:\n    set: {b: '${ names: a b }'}\n"))
    assert done.returncode == 2
    assert "'a b' is no name" in done.stdout


def test_a_language_that_cannot_be_loaded_is_told_where_it_is_used(tmp_path: Path) -> None:
    install(tmp_path, "broken", "import nothing_of_that_name", {"flowrt.expressions": {"odd": "broken:compile"}})
    done = flowrt(tmp_path, "validate", workflow(tmp_path, "evaluate: {language: odd}\ndo:\n- a:\n    set: '${ x }'\n"))
    assert done.returncode == 2
    assert "nothing_of_that_name" in done.stdout
    fine = flowrt(tmp_path, "validate", workflow(tmp_path, "do:\n- a:\n    set: '${ . }'\n"))
    assert fine.returncode == 0, fine.stderr


def test_its_own_languages_go_before_a_plugin_of_the_same_name(tmp_path: Path) -> None:
    install(tmp_path, "names", LANGUAGE, {"flowrt.expressions": {"jq": "names"}})
    file = workflow(tmp_path, "do:\n- one:\n    set: '${ .a + 1 }'\n")
    assert json.loads(flowrt(tmp_path, "run", file, "--input", '{"a": 1}').stdout) == 2


def test_a_source_of_secrets(tmp_path: Path) -> None:
    source = """
        def look_up(name):
            return {"password": "hunter2"} if name == "shop" else None
    """
    install(tmp_path, "vaults", source, {"flowrt.secrets": {"vaults": "vaults:look_up"}})
    text = "use: {secrets: [shop]}\ndo:\n- one:\n    set: {length: '${ $secrets.shop.password | length }'}\n"
    file = workflow(tmp_path, text)
    assert json.loads(flowrt(tmp_path, "run", file).stdout) == {"length": 7}
    given = flowrt(tmp_path, "run", file, "--secret", 'shop={"password": "abc"}')
    assert json.loads(given.stdout) == {"length": 3}


@pytest.mark.parametrize("group", ["flowrt.functions", "flowrt.listeners", "flowrt.secrets"])
def test_a_plugin_that_cannot_be_loaded_is_named(group: str, tmp_path: Path) -> None:
    install(tmp_path, "broken", "raise RuntimeError('not today')", {group: {"odd": "broken:thing"}})
    done = flowrt(tmp_path, "run", workflow(tmp_path, "do:\n- a:\n    set: {b: 1}\n"))
    assert done.returncode == 2
    assert "the plug-in 'odd' of broken" in done.stderr
    assert "not today" in done.stderr
    assert "Traceback" not in done.stderr
