"""The machine: signals that come late, twice or never; budgets, suspension, deadlines, retry."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from flowrt.core.effect import Effect, Outcome
from flowrt.core.environment import Environment
from flowrt.core.fault import Fault
from flowrt.core.instance import Instance
from flowrt.core.machine import Machine
from flowrt.core.records import restore
from flowrt.core.signal import Arrived, Cancel, Completed, Failed, Resume, Signal, Suspend, Tick
from flowrt.runtime.checkpoint import take_checkpoint
from flowrt.runtime.forking import place
from flowrt.testing.happening import START_AT, Answer, CrashEverywhere
from flowrt.testing.image import Image
from tests.core.worlds import GET, compiled, event, world_of

LISTEN = {"listen": {"to": {"one": {"with": {"type": "a"}}}}}
MACHINE = Machine(Environment())


def begun(*tasks: Any, input: Any = None) -> Instance:
    instance = Instance("it", compiled(*tasks), input)
    MACHINE.advance(instance, Tick(), 0.0)
    return instance


def key(instance: Instance) -> tuple[str, int, int]:
    (effect,) = MACHINE.pending(instance, 0.0)
    assert isinstance(effect, Effect)
    return effect.key


def restored(instance: Instance) -> Instance:
    image = Image()
    image.write(take_checkpoint(instance, MACHINE, 0.0))
    return restore(image.read(), instance.definition)


def test_an_answer_counts_once() -> None:
    instance = begun(GET, GET)
    first = key(instance)
    MACHINE.advance(instance, Completed(first, Outcome(1)), 1.0)
    second = key(instance)
    assert first != second
    for late in (Completed(first, Outcome(2)), Failed(first, Fault.of("runtime", "late"))):
        MACHINE.advance(instance, late, 2.0)
        assert (instance.status, key(instance)) == ("running", second)
    MACHINE.advance(instance, Completed(second, Outcome(3)), 3.0)
    assert (instance.status, instance.output) == ("completed", 3)


@pytest.mark.parametrize(
    "signal", [Tick(), Suspend(), Resume(), Cancel(), Arrived(event("a")), Completed(("/do/0/t0", 0, 0), Outcome(1))]
)
def test_what_has_ended_stays_as_it_is(signal: Signal) -> None:
    instance = begun({"set": {"n": 1}})
    before = orjson.dumps(instance.output), instance.status, instance.sequence
    instance.take_changes()
    MACHINE.advance(instance, signal, 1.0)
    assert (orjson.dumps(instance.output), instance.status, instance.sequence) == before
    assert not instance.changes.head


def test_the_effect_of_an_instance_survives_a_restart() -> None:
    instance = begun({"call": "http", "with": {"method": "get", "endpoint": "http://example.test/{n}"}}, input={"n": 7})
    again = restored(instance)
    (before,), (after,) = MACHINE.pending(instance, 0.0), MACHINE.pending(again, 99.0)
    assert isinstance(before, Effect)
    assert before == after
    assert before.idempotency_key == "it/do/0/t0/0/0"


def test_a_repeated_effect_sees_the_context_of_its_beginning() -> None:
    body = {"call": "http", "with": {"method": "post", "endpoint": "http://example.test/", "body": "${ $context }"}}
    note = {"listen": {"to": {"one": {"with": {"type": "a"}}}}, "export": {"as": '"new"'}}
    branches = {"fork": {"branches": [{"call": body}, {"note": note}]}}
    instance = begun({"set": {"n": 1}, "export": {"as": '"old"'}}, branches)
    MACHINE.advance(instance, Arrived(event("a")), 1.0)
    assert instance.context == "new"
    (effect,) = MACHINE.pending(restored(instance), 2.0)
    assert isinstance(effect, Effect)
    assert effect.arguments["body"] == "old"


def test_arguments_that_no_longer_evaluate_are_a_failure() -> None:
    instance = begun({"call": "work", "with": {"x": "${ $secrets.s }"}}, GET)
    assert instance.error is not None
    assert instance.error.status == 403


def test_a_turn_ends_with_its_budget() -> None:
    count = {"for": {"in": "[range(100)]"}, "do": [{"one": {"set": {"n": "${ (.n // 0) + 1 }"}}}]}
    instance = Instance("it", compiled(count), None)
    MACHINE.advance(instance, Tick(), 0.0, budget=10)
    turns = 1
    while not instance.ended:
        assert instance.ready
        assert instance.status == "running"
        instance = restored(instance) if turns == 1 else instance
        MACHINE.advance(instance, Tick(), 0.0, budget=10)
        turns += 1
    assert instance.output == {"n": 100}
    assert turns == 11


def test_branches_begin_in_order_after_a_restart() -> None:
    def branch(name: str) -> Any:
        steps = [{f"s{n}": {"set": "${ . }", "export": {"as": f'($context // "") + "{name}{n} "'}}} for n in range(3)]
        return {name: {"do": steps}}

    instance = Instance("it", compiled({"fork": {"branches": [branch("a"), branch("b")]}}), 1)
    MACHINE.advance(instance, Tick(), 0.0, budget=3)
    while not instance.ended:
        instance = restored_later(instance)
        MACHINE.advance(instance, Tick(), 0.0, budget=1)
    assert instance.context == "a0 a1 a2 b0 b1 b2 "


def restored_later(instance: Instance) -> Instance:
    return restore(Image.of(instance, MACHINE, 0.0).read(), instance.definition)


def test_a_suspended_instance_keeps_what_comes() -> None:
    instance = begun({"fork": {"branches": [{"call": GET}, {"hear": LISTEN}]}}, {"wait": "PT1S"})
    MACHINE.advance(instance, Suspend(), 1.0)
    MACHINE.advance(instance, Completed(("/do/0/t0/fork/branches/0/call", 0, 0), Outcome("once")), 2.0)
    MACHINE.advance(instance, Completed(("/do/0/t0/fork/branches/0/call", 0, 0), Outcome("twice")), 2.0)
    instance = restored(instance)
    MACHINE.advance(instance, Arrived(event("a", 5)), 3.0)
    assert (instance.status, instance.wake_at(), len(instance.held)) == ("suspended", None, 2)
    MACHINE.advance(instance, Resume(), 4.0)
    assert instance.wake_at() == 5.0
    MACHINE.advance(instance, Tick(), 5.0)
    assert instance.output == ["once", [5]]


def test_of_two_deadlines_the_earlier_is_dealt_with_first() -> None:
    late = {"wait": "PT10S", "timeout": {"after": "PT3S"}}
    guarded = {"try": [{"late": late}], "catch": {"do": [{"note": {"set": {"caught": "${ $error.status }"}}}]}}
    instance = begun({**guarded, "timeout": {"after": "PT5S"}})
    MACHINE.advance(instance, Tick(), 100.0)
    assert instance.output == {"caught": 408}
    instance = begun({**guarded, "timeout": {"after": "PT2S"}})
    MACHINE.advance(instance, Tick(), 100.0)
    assert instance.error is not None
    assert (instance.status, instance.error.instance) == ("faulted", "/do/0/t0")


def test_an_answer_after_the_deadline_is_too_late() -> None:
    instance = begun({**GET, "timeout": {"after": "PT3S"}})
    MACHINE.advance(instance, Completed(key(instance), Outcome(1)), 4.0)
    assert instance.error is not None
    assert instance.error.status == 408


def test_a_cancelled_instance_has_nothing_live() -> None:
    instance = begun({"fork": {"branches": [{"call": GET}, {"hear": LISTEN}, {"pause": {"wait": "PT1H"}}]}})
    assert MACHINE.subscriptions(instance, 0.0)
    MACHINE.advance(instance, Cancel(), 1.0)
    assert (instance.status, instance.live, instance.wake_at()) == ("cancelled", {}, None)
    assert not MACHINE.pending(instance, 1.0)
    assert not MACHINE.subscriptions(instance, 1.0)
    assert restored(instance).live == {}


def failing_first(effect: Effect) -> Answer:
    if effect.attempt == 0:
        return Answer(Fault.of("communication", "down", status=503))
    return Answer(Outcome([effect.position, effect.attempt]))


@pytest.mark.parametrize("crashes", [False, True])
def test_a_faulted_instance_is_retried_where_it_failed(crashes: bool) -> None:
    definition = compiled(
        {"set": {"n": 1}, "export": {"as": ".n"}}, {"do": [{"get": GET}]}, {"set": "${ [., $context] }"}
    )
    world = world_of(definition, None, failing_first, crash=CrashEverywhere() if crashes else lambda written: False)
    world.run()
    assert world.read("it").status == "faulted"
    world.retry("it", START_AT + 60)
    world.run()
    instance = world.read("it")
    assert (instance.status, instance.error) == ("completed", None)
    assert instance.output == [["/do/1/t1/do/0/get", 1], 1]
    assert [effect.attempt for effect in world.calls] == [0, 1]
    assert [record.task.name for record in world.trace["it"]] == ["t0", "get", "t1", "t2"]


@pytest.mark.parametrize("crashes", [False, True])
@pytest.mark.parametrize(
    ("position", "called", "output"),
    [
        (None, ["/do/2/t2"], [["/do/2/t2", 0], {"seen": 1}]),
        ("/do/2/t2", ["/do/2/t2"], [["/do/2/t2", 0], {"seen": 1}]),
        ("/do/1/t1", ["/do/1/t1/do/0/get", "/do/2/t2"], [["/do/2/t2", 0], {"seen": 1}]),
        ("/do/0/t0", ["/do/1/t1/do/0/get", "/do/2/t2"], [["/do/2/t2", 0], {"seen": 1}]),
    ],
)
def test_a_fork_goes_on_where_the_other_one_stood(
    crashes: bool, position: str | None, called: list[str], output: list[Any]
) -> None:
    definition = compiled(
        {"set": {"n": 1}, "export": {"as": "{seen: .n}"}},
        {"if": "${ .n == 1 }", "do": [{"get": GET}], "output": {"as": "{n: 2}"}},
        {**GET, "input": {"schema": {"document": {"properties": {"n": {"const": 2}}, "required": ["n"]}}}},
        {"if": "${ false }", "set": {"never": 1}},
        {"set": "${ [., $context] }"},
    )
    down = {"it"}

    def answer(effect: Effect) -> Answer:
        if effect.instance in down and effect.position == "/do/2/t2":
            return Answer(Fault.of("communication", "down", status=503))
        return Answer(Outcome([effect.position, effect.attempt]))

    world = world_of(definition, {"n": 0}, answer, crash=CrashEverywhere() if crashes else lambda written: False)
    world.run()
    assert world.read("it").status == "faulted"
    before = len(world.calls)
    world.fork("it", "fork", position, START_AT + 60)
    world.run()
    forked = world.read("fork")
    assert (forked.status, forked.output, forked.context) == ("completed", output, {"seen": 1})
    assert [effect.position for effect in world.calls[before:]] == called
    assert {effect.instance for effect in world.calls[before:]} == {"fork"}
    assert world.read("it").status == "faulted"


@pytest.mark.parametrize("crashes", [False, True])
@pytest.mark.parametrize("rounds", [1, 20])
def test_a_fork_knows_a_context_whose_own_record_is_gone(rounds: int, crashes: bool) -> None:
    once = {"set": {"n": 1}, "if": "${ $at == 0 }", "export": {"as": "{seen: 1}"}}
    loop = {
        "for": {"in": "${ [range($workflow.input)] }", "at": "at"},
        "do": [{"once": once}, {"x": {"wait": "PT1S"}}, {"y": {"set": {"n": 2}}}],
    }
    definition = compiled(loop, {"set": {"n": 3}, "export": {"as": "{seen: 2}"}}, {"set": "${ $context }"})
    world = world_of(definition, rounds, crash=CrashEverywhere() if crashes else lambda written: False)
    world.run()
    for position, seen in (("/do/1/t1", 1), ("/do/2/t2", 2)):
        found = place(world.read("it"), world.images["it"].completed(), position)
        assert found is not None
        assert found.before[-1].context == {"seen": seen}


@pytest.mark.parametrize("crashes", [False, True])
def test_a_fork_into_a_list_that_jumps_back_is_a_round_of_its_own(crashes: bool) -> None:
    count = {"set": {"n": "${ .n + 1 }"}, "export": {"as": "{n: .n}"}}
    again = {"switch": [{"more": {"when": ".n < 3", "then": "t0"}}]}
    definition = compiled(count, again, {"wait": "PT1S"})
    world = world_of(definition, {"n": 0}, crash=CrashEverywhere() if crashes else lambda written: False)
    world.run()
    world.fork("it", "fork", "/do/1/t1", START_AT + 60)
    world.run()
    forked = world.read("fork")
    assert (forked.status, forked.output, forked.context) == ("completed", {"n": 3}, {"n": 3})
    runs = [(record.task.key, record.iteration, record.attempt) for record in world.trace["fork"]]
    assert len(set(runs)) == len(runs)
    assert max(iteration for _, iteration, _ in runs) > 2


def test_a_fork_keeps_to_the_timeout_of_the_workflow_from_its_own_start() -> None:
    definition = compiled({"set": {"n": 1}}, {"wait": "PT8S"}, {"wait": "PT8S"}, timeout={"after": "PT10S"})
    world = world_of(definition)
    world.run()
    assert world.read("it").status == "faulted"
    world.fork("it", "fork", None, START_AT + 60)
    world.run()
    forked = world.read("fork")
    assert (forked.status, forked.started_at, forked.ended_at) == ("completed", START_AT + 60, START_AT + 68)


def test_a_retried_instance_does_not_come_back_to_old_timeouts() -> None:
    definition = compiled({"do": [{"get": GET}], "timeout": {"after": "PT5S"}}, {"wait": "PT1S"})
    world = world_of(definition, None, failing_first)
    world.run()
    world.retry("it", START_AT + 3600)
    world.run()
    assert world.read("it").status == "completed"


def test_a_retry_starts_a_new_sub_workflow() -> None:
    child = compiled(GET, document={"dsl": "1.0.3", "namespace": "test", "name": "child", "version": "1.0.0"})
    parent = compiled({"run": {"workflow": {"namespace": "test", "name": "child", "version": "1.0.0"}}})
    answers = iter([Answer(Fault.of("runtime", "no")), Answer(Outcome("yes"))])
    world = world_of(parent, None, lambda effect: next(answers), [child])
    world.run()
    assert world.read("it").status == "faulted"
    world.retry("it", world.now + 1)
    world.run()
    assert world.read("it").output == "yes"
    assert len(world.images) == 3


def test_end_inside_transforms_the_output_once() -> None:
    for then in ({}, {"then": "end"}):
        instance = begun({"do": [{"x": {"set": {"n": {"n": 1}}, **then}}]})
        assert instance.output == {"n": {"n": 1}}
        definition = compiled({"do": [{"x": {"set": {"n": {"n": 1}}, **then}}]}, output={"as": ".n"})
        world = world_of(definition)
        world.run()
        assert world.read("it").output == {"n": 1}
