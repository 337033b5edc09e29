"""What is stored of a running instance depends on what is live, not on how long it has run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flowrt.compiler import compile_text
from flowrt.core.effect import Effect, Outcome
from flowrt.core.fault import Fault
from flowrt.core.instance import Instance
from flowrt.testing.happening import START_AT, Answer
from flowrt.testing.world import World
from tests.simulation.running import KNOWN

Json = Any
CALL = {"call": "http", "with": {"method": "get", "endpoint": "http://example.test/"}}
NOTE = {"set": {"n": "${ .n }"}, "export": {"as": "{n: .n}"}}
ROUNDS = 10_000
FEWER = 1_500


def again(rounds: int) -> Json:
    return {"switch": [{"on": {"when": f".n < {rounds}", "then": "call"}}]}


def over(count: str, *tasks: Json) -> Json:
    return {"for": {"in": count}, "do": [{f"task{at}": task} for at, task in enumerate(tasks)]}


LOOPS = {
    "for": [{"loop": over("[range(10000)]", CALL, NOTE)}],
    "back": [{"call": CALL}, {"note": NOTE}, {"back": again(ROUNDS)}],
    "back inside": [{"list": {"do": [{"call": CALL}, {"note": NOTE}, {"back": again(FEWER)}]}}],
    "for in for": [{"loop": over("[range(500)]", NOTE, over("[range(4)]", CALL, NOTE))}],
    "for in back": [{"call": CALL}, {"inner": over("[1, 2]", CALL, NOTE)}, {"back": again(FEWER)}],
    "fork in for": [
        {"loop": over("[range(1500)]", {"fork": {"branches": [{"one": CALL}, {"two": CALL}]}}, {"set": {"n": 1}})}
    ],
    "function in for": [{"loop": over("[range(1500)]", {"call": "twice"})}],
    "try in for": [
        {
            "loop": over(
                "[range(1500)]",
                {"try": [{"note": NOTE}, {"call": CALL}], "catch": {"retry": {"limit": {"attempt": {"count": 3}}}}},
            )
        }
    ],
}


def answer(effect: Effect) -> Answer:
    """Counts the calls; inside a try the first attempt fails."""
    if "/try/" in effect.position and effect.attempt % 2 == 0:
        return Answer(Fault.of("communication", "not yet"))
    return Answer(Outcome({"n": effect.iteration}))


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_is_stored_in_bounds(name: str) -> None:
    use = {"functions": {"twice": {"do": [{"call": CALL}, {"note": NOTE}]}}}
    document = {"dsl": "1.0.3", "namespace": "test", "name": "loop", "version": "1.0.0"}
    definition = compile_text(json.dumps({"document": document, "use": use, "do": LOOPS[name]}), KNOWN)
    sizes: list[int] = []

    def measure(world: World, instance: Instance) -> None:
        if not instance.ended:
            sizes.append(world.images[instance.id].size())

    world = World([definition], answer, KNOWN.expressions["jq"], inspect=measure)
    world.start(definition, {"n": 0}, "it")
    world.run()
    assert world.read("it").status == "completed"
    assert len(sizes) >= (ROUNDS if name in ("for", "back") else FEWER)
    assert max(sizes[-100:]) <= 2 * max(sizes[10:40])
    assert max(sizes) <= 2 * max(sizes[10:40])


def test_retries_are_stored_in_bounds() -> None:
    """A try that never works holds no more after its thousandth retry than after its tenth."""
    tries = {"try": [{"note": NOTE}, {"call": CALL}], "catch": {"retry": {"delay": "PT1S"}}}
    document = {"dsl": "1.0.3", "namespace": "test", "name": "loop", "version": "1.0.0"}
    definition = compile_text(json.dumps({"document": document, "do": [{"forever": tries}]}), KNOWN)
    world = World([definition], lambda effect: Answer(Fault.of("communication", "no")), KNOWN.expressions["jq"])
    world.start(definition, {"n": 0}, "it")
    sizes = {}
    while world.now < START_AT + 1000:
        while world.step():
            pass
        sizes[round(world.now - START_AT)] = world.images["it"].size()
        world.pass_time()
    assert sizes[999] <= 2 * sizes[10]


@pytest.mark.parametrize("foreach", [{"foreach": {"do": [{"call": CALL}]}}, {"foreach": {}}, {}])
def test_a_listener_for_ever_is_stored_in_bounds(foreach: Json) -> None:
    document = {"dsl": "1.0.3", "namespace": "test", "name": "listen", "version": "1.0.0"}
    listen = {"listen": {"to": {"any": [], "until": "${ false }"}}, **foreach}
    definition = compile_text(json.dumps({"document": document, "do": [{"hear": listen}]}), KNOWN)
    world = World([definition], answer, KNOWN.expressions["jq"])
    world.start(definition, None, "it")
    sizes = []
    for number in range(1000):
        event = {"specversion": "1.0", "id": str(number), "source": "/test", "type": "a", "data": {"number": number}}
        world.publish(event, START_AT + number)
        while world.now < START_AT + number:
            world.pass_time()
        while world.step():
            pass
        sizes.append(world.images["it"].size())
    assert world.read("it").status == "waiting"
    assert len(world.calls) == (1000 if foreach.get("foreach") else 0)
    assert max(sizes) <= 2 * max(sizes[10:40])
