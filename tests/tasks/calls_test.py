"""Calls, functions, extensions, emitted events and URI templates."""

from __future__ import annotations

from typing import Any

import pytest

from flowrt.core.effect import Effect, Outcome
from flowrt.testing.happening import Answer, CrashEverywhere
from flowrt.testing.world import World
from tests.core.worlds import GET, compiled, ended, world_of


def run(*tasks: Any, input: Any = None, **members: Any) -> World:
    world = world_of(compiled(*tasks, **members), input, lambda effect: Answer(Outcome(effect.arguments)))
    world.run()
    return world


@pytest.mark.parametrize(
    ("template", "data", "uri"),
    [
        ("http://x.test/{id}", {"id": 7}, "http://x.test/7"),
        ("http://x.test/{id}", {"id": "a b/c"}, "http://x.test/a%20b%2Fc"),
        ("http://x.test/{id}", {"id": True}, "http://x.test/true"),
        ("http://x.test/{id}/{none}", {"id": None}, "http://x.test//"),
        ("http://x.test/{pet.id}", {"pet.id": 1, "pet": {"id": 2}}, "http://x.test/1"),
        ("http://x.test/{id}", "text", "http://x.test/"),
        ("http://x.test/{id}?q=${ .q + 1 }", {"id": 1, "q": 2}, "http://x.test/1?q=3"),
        ("${ .uri }", {"uri": "http://y.test/{id}"}, "http://y.test/{id}"),
    ],
)
def test_a_uri_template(template: str, data: Any, uri: str) -> None:
    world = run({"call": "http", "with": {"method": "get", "endpoint": template}}, input=data)
    assert [effect.arguments["endpoint"] for effect in world.calls] == [uri]


@pytest.mark.parametrize(("template", "data"), [("http://x.test/{id}", {"id": {"a": 1}}), ("${ .uri }", {"uri": 5})])
def test_a_uri_template_that_gives_no_uri(template: str, data: Any) -> None:
    instance = run({"call": "http", "with": {"method": "get", "endpoint": template}}, input=data).read("it")
    assert instance.error is not None
    assert (instance.error.status, instance.error.instance) == (400, "/do/0/t0")


def test_functions_continue_the_position_of_the_call() -> None:
    functions = {"list": {"do": [{"a": {"call": "get"}}, {"b": GET}]}, "get": GET, "more": {"call": "list"}}
    world = run({"call": "more", "with": {"x": 1}}, {"call": "get"}, use={"functions": functions})
    assert [effect.position for effect in world.calls] == ["/do/0/t0/do/0/a", "/do/0/t0/do/1/b", "/do/1/t1"]
    assert [record.task.position for record in world.trace["it"]] == [
        "/do/0/t0/do/0/a",
        "/do/0/t0/do/1/b",
        "/do/0/t0",
        "/do/1/t1",
    ]


def test_an_extension_goes_round_a_function_and_what_it_is() -> None:
    log = {"extend": "call", "when": '$task.call != "work"', "before": [{"say": {"call": "work"}}]}
    use = {"functions": {"get": GET}, "extensions": [{"log": log}]}
    world = run({"call": "get"}, use=use)
    assert [effect.kind for effect in world.calls] == ["function", "function", "http"]
    assert len({effect.idempotency_key for effect in world.calls}) == 3


def test_an_intercepted_task_is_transformed_like_the_real_one() -> None:
    mock = {"extend": "call", "before": [{"instead": {"set": {"content": {"n": 1}}, "then": "exit"}}]}
    task = {**GET, "output": {"as": ".content"}, "export": {"as": ".n"}, "then": "t2"}
    world = run(task, {"set": {"never": True}}, {"set": "${ [., $context] }"}, use={"extensions": [{"mock": mock}]})
    assert world.read("it").output == [{"n": 1}, 1]
    assert not world.calls


def test_extensions_stand_within_each_other_and_may_jump() -> None:
    again = {"switch": [{"back": {"when": "($context // 0) < 2", "then": "note"}}]}
    note = {"call": "work", "export": {"as": "($context // 0) + 1"}}
    outer = {"extend": "set", "before": [{"note": note}, {"again": again}]}
    inner = {"extend": "set", "before": [{"note": {"call": "work"}}]}
    world = run({"set": {"n": 1}}, use={"extensions": [{"outer": outer}, {"inner": inner}]})
    positions = [effect.position for effect in world.calls]
    assert positions == ["/do/0/t0/extensions/outer/before/0/note"] * 2 + ["/do/0/t0/extensions/inner/before/0/note"]
    assert len({effect.idempotency_key for effect in world.calls}) == 3


def test_an_emitted_event_has_one_id_for_good() -> None:
    emit = {"emit": {"event": {"with": {"source": "/x", "type": "a", "data": "${ $i }"}}}}
    definition = compiled({"for": {"each": "i", "in": "[1, 2]"}, "do": [{"send": emit}]}, {"wait": "PT1S"})
    found = []
    for crash in (lambda written: False, CrashEverywhere()):
        world = world_of(definition, crash=crash)
        world.run()
        found.append([(each["id"], each["data"]) for each in world.emitted])
    assert found[0] == found[1]
    assert len({id_ for id_, _ in found[0]}) == 2


def test_an_event_needs_its_attributes() -> None:
    emit = {"emit": {"event": {"with": {"source": "${ .source }", "type": "a"}}}}
    assert ended(compiled(emit), {"source": "/x"}).status == "completed"
    instance = ended(compiled(emit), {"source": None})
    assert instance.error is not None
    assert instance.error.status == 400


def test_detached_work_outputs_the_input() -> None:
    def answer(_effect: Effect) -> Answer:
        return Answer(Outcome("ignored"), 60.0)

    definition = compiled({"run": {"shell": {"command": "ls"}, "await": False}, "input": {"from": ".n"}})
    world = world_of(definition, {"n": 7}, answer)
    world.run()
    instance = world.read("it")
    assert (instance.output, instance.ended_at) == (7, instance.started_at)


def test_sub_workflows_may_not_stand_within_each_other_for_ever() -> None:
    itself = {"run": {"workflow": {"namespace": "test", "name": "it", "version": "1.0.0"}}}
    instance = ended(compiled(itself))
    assert instance.error is not None
    assert "within each other" in (instance.error.detail or "")
