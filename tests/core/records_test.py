"""Records: what is stored is read again, and what cannot be read is refused."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from flowrt.core.environment import Environment
from flowrt.core.fault import Fault, canonical_type
from flowrt.core.instance import Instance
from flowrt.core.machine import Machine
from flowrt.core.records import BrokenRecord, Stored, history_of, restore
from flowrt.core.signal import Tick
from flowrt.testing.image import Image
from tests.core.worlds import GET, compiled, world_of

MACHINE = Machine(Environment())


def stored() -> tuple[Instance, Stored]:
    loop = {"for": {"each": "x", "in": "[1, 2]"}, "do": [{"get": GET}]}
    guarded = {"try": [{"loop": loop}], "catch": {"retry": {"limit": {"attempt": {"count": 2}}}}}
    instance = Instance("it", compiled({"set": {"n": 1}, "export": {"as": "."}}, guarded), {"a": [1, None, "é"]})
    MACHINE.advance(instance, Tick(), 5.0)
    return instance, Image.of(instance, MACHINE, 5.0).read()


def test_what_is_stored_is_read() -> None:
    instance, record = stored()
    again = restore(record, instance.definition)
    assert Image.of(again, MACHINE, 5.0).difference(Image.of(instance, MACHINE, 5.0)) is None
    assert again.context == {"n": 1}
    assert list(again.live) == list(instance.live)


def test_what_does_not_change_is_written_once() -> None:
    instance, _ = stored()
    instance.take_changes()
    (effect,) = instance.effects_wanted()
    MACHINE.touch(effect)
    assert instance.changes.born == set()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda head, live: head.update(format=2), "format 2"),
        (lambda head, live: head.pop("status"), "status"),
        (lambda head, live: live.pop(0), "no record of the task around it"),
        (
            lambda head, live: live.append((("/do/9/gone", 0), {"sequence": 99, "input": 1}, {"attempt": 0})),
            "/do/9/gone",
        ),
        (lambda head, live: live[-1][1].pop("input"), "input"),
        (lambda head, live: live[-1][1].update(sequence="x"), "damaged"),
    ],
)
def test_what_is_damaged_is_refused(damage: Any, said: str) -> None:
    instance, record = stored()
    head = orjson.loads(orjson.dumps(record.head))
    live = sorted(record.live, key=lambda piece: piece[1]["sequence"])
    damage(head, live)
    with pytest.raises(BrokenRecord, match=said):
        restore(Stored(head, record.fields, live), instance.definition)


def test_the_history_says_what_came_next() -> None:
    cases = [{"on": {"when": ".go", "then": "t3"}}, {"out": {"then": "exit"}}]
    definition = compiled(
        {"set": {"go": True}},
        {"switch": cases},
        {"set": {"never": 1}},
        {"do": [{"in": {"set": {"x": 1}}}], "then": "end"},
        {"set": {"never": 1}},
    )
    world = world_of(definition)
    world.run()
    found = [(data["name"], data["next"]) for data in map(history_of, world.trace["it"])]
    assert found == [("t0", "/do/1/t1"), ("t1", "/do/3/t3"), ("in", None), ("t3", None)]


def test_the_history_of_an_extended_task_says_what_came_next() -> None:
    log = {"extend": "set", "after": [{"say": {"call": "work"}}]}
    use = {"extensions": [{"log": log}]}
    definition = compiled({"set": {"a": 1}, "then": "t2"}, {"set": {"b": 1}}, {"set": {"c": 1}}, use=use)
    world = world_of(definition)
    world.run()
    nexts = {data["name"]: data["next"] for data in map(history_of, world.trace["it"]) if data["name"] != "say"}
    assert nexts == {"t0": "/do/2/t2", "t2": None}


@pytest.mark.parametrize(
    ("given", "uri"),
    [
        ("timeout", "https://serverlessworkflow.io/spec/1.0.0/errors/timeout"),
        (
            "https://serverlessworkflow.io/dsl/errors/types/communication",
            "https://serverlessworkflow.io/spec/1.0.0/errors/communication",
        ),
        ("https://serverlessworkflow.io/dsl/errors/types/own", "https://serverlessworkflow.io/dsl/errors/types/own"),
        ("https://example.test/x", "https://example.test/x"),
    ],
)
def test_types_of_errors(given: str, uri: str) -> None:
    assert canonical_type(given) == uri


def test_a_fault_as_json() -> None:
    fault = Fault.of("communication", "no answer", status=503)
    assert Fault.from_json(fault.to_json()) == fault
    assert list(fault.to_json()) == ["type", "title", "status", "detail"]
    assert fault.at("/do/0/x").at("/do/1/y").instance == "/do/0/x"
