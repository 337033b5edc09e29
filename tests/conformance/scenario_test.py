"""The scenario runner: what it says about files that are wrong, and about workflows that do not do as expected."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowrt.core.records import Stored
from flowrt.testing.image import Image
from flowrt.testing.scenario import InvalidScenario, load, run

CALLING = """
definition:
  do:
    - get:
        call: http
        with: {method: get, endpoint: "http://shop.test/{id}"}
    - send:
        emit: {event: {with: {source: /shop, type: sold}}}
    - last:
        set: {n: 1}
input: {id: 7}
mocks:
  - {call: http, output: {found: true}, after: PT2S}
expect:
  status: completed
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "it.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", r"it\.yaml:2:1: this is not YAML"),
        ("[]", r"it\.yaml:1:1: /: expected an object"),
        ("expect: {status: completed}", "the required property 'definition' is missing"),
        ("definition: {do: []}\nexpect: {}", "nothing is expected"),
        ("definition: {}\nexpct: {}", r"it\.yaml:2:1: /expct: unknown property 'expct'"),
        ("definition: no-such.yaml\nexpect: {status: completed}", "cannot be read"),
        ("definition: {}\nexpect: {duration: soon}", r"it\.yaml:2:10: /expect/duration: 'soon' is no duration"),
        ("definition: {}\nexpect: {calls: 1}", "/expect/calls: expected an array"),
        ("definition: {}\nexpect: {status: x}\nmocks: [{call: http}]", "either 'output' or 'error'"),
        ("definition: {}\nexpect: {status: x}\nmocks: [{call: http, output: 1, times: 0}]", "/mocks/0/times"),
        ("definition: {}\nexpect: {status: x}\nevents: [{type: a}]", "'source' is missing"),
        ("definition: {}\nexpect: {status: x}\nsignals: [{at: PT1S, do: stop}]", "suspend, resume, cancel"),
        ("definition: {}\nexpect: {status: x}\nsecrets: [a]", "/secrets: expected an object"),
    ],
)
def test_a_wrong_file(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidScenario, match=said):
        load(write(tmp_path, text))


@pytest.mark.parametrize(
    ("expect", "said"),
    [
        ("status: faulted", "status: expected faulted, got completed"),
        ("output: {n: 2}", 'output/n: expected 2, got 1 (the whole: {"n": 1})'),
        ("output: {n: 1, m: 1}", "output/m: is missing"),
        ("output: {}", "output/n: was not expected"),
        ("output: {n: true}", "output/n: expected true, got 1"),
        ("context: 5", "context: expected 5, got null"),
        ("error: {status: 500}", 'error: expected {"status": 500}, got null'),
        ("duration: PT3S", "duration: expected 3 s, took 2 s"),
        ("tasks: [/do/0/get, /do/2/last]", 'task 2: expected "/do/2/last", got "/do/1/send"'),
        ("calls: []", "call 1 was not expected: http"),
        ("calls: [{match: {method: post}}]", 'call 1/match/method: expected "post", got "get"'),
        ("calls: [{call: http}, {call: shell}]", 'call 2 is missing: {"call": "shell"}'),
        ("calls: [{iteration: 1}]", "call 1/iteration: expected 1, got 0"),
        ("events: [{type: bought}]", 'event 1/type: expected "bought", got "sold"'),
        ("invalid: [{position: /do}]", "expected to be refused"),
    ],
)
def test_what_is_not_as_expected(tmp_path: Path, expect: str, said: str) -> None:
    text = CALLING.replace("status: completed", expect)
    differences = run(load(write(tmp_path, text)))
    assert any(said in line for line in differences), differences


def test_a_call_that_nothing_answers(tmp_path: Path) -> None:
    text = CALLING.replace("{call: http, output", "{call: http, match: {method: post}, output")
    (difference,) = run(load(write(tmp_path, text)))
    assert difference.startswith("no mock answers the call at /do/0/get: http")
    assert 'mocks: http {"method": "post"}' in difference


def test_mocks_are_used_up_in_order(tmp_path: Path) -> None:
    text = CALLING.replace("mocks:\n", "mocks:\n  - {call: http, error: {type: timeout}, times: 1}\n")
    scenario = load(write(tmp_path, text))
    assert any("got faulted" in line for line in run(scenario))
    assert run(scenario) == run(scenario)


def test_a_definition_that_is_refused_is_located(tmp_path: Path) -> None:
    text = CALLING.replace("set: {n: 1}", "set: {n: '${ .x + }'}")
    (difference,) = run(load(write(tmp_path, text)))
    assert f"{tmp_path}/it.yaml:10:15: /do/2/last/set/n: the expression" in difference


def test_definitions_in_their_own_files(tmp_path: Path) -> None:
    child = "document: {dsl: '1.0.3', namespace: n, name: child, version: '1.0.0'}\ndo: [{x: {set: {from: child}}}]\n"
    main = (
        "document: {dsl: '1.0.3', namespace: n, name: main, version: '1.0.0'}\n"
        "do: [{y: {run: {workflow: {namespace: n, name: child, version: '1.0.0'}}}}]\n"
    )
    (tmp_path / "child.yaml").write_text(child)
    (tmp_path / "main.yaml").write_text(main)
    text = "definition: main.yaml\nwith: [child.yaml]\nexpect: {output: {from: child}}\n"
    scenario = load(write(tmp_path, text))
    assert scenario.title == "it"
    assert run(scenario, crash_everywhere=True) == []


def test_a_crash_that_shows_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = CALLING.replace("set: {n: 1}", "set: '${ $context }'").replace(
        "    - last", "    - pause: {wait: PT1S}\n    - last"
    )
    text = text.replace("        with: {method", "        export: {as: .found}\n        with: {method")
    scenario = load(write(tmp_path, text.replace("status: completed", "output: true")))
    assert run(scenario, crash_everywhere=True) == []

    class Forgetful(Image):
        """A store that loses the context."""

        def read(self) -> Stored:
            stored = super().read()
            return Stored(stored.head, {**stored.fields, "context": None}, stored.live)

    monkeypatch.setattr("flowrt.testing.world.Image", Forgetful)
    assert run(scenario) == []
    (difference,) = run(scenario, crash_everywhere=True)
    assert difference == "crashed after commit 2 was written: output: expected true, got null (the whole: null)"
