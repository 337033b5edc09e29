"""Worlds for tests: one workflow, written short, run to where nothing more is to come."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from flowrt.compiler import InvalidDefinition, compile_text
from flowrt.core.definition import WorkflowDefinition
from flowrt.core.effect import Effect, Outcome
from flowrt.core.environment import Environment
from flowrt.core.instance import Instance
from flowrt.testing.happening import Answer, crash_never
from flowrt.testing.play import languages
from flowrt.testing.world import World

Json = Any
KNOWN = languages({"work"}.__contains__)
JQ = KNOWN.expressions["jq"]
DOCUMENT = {"dsl": "1.0.3", "namespace": "test", "name": "it", "version": "1.0.0"}
GET = {"call": "http", "with": {"method": "get", "endpoint": "http://example.test/"}}


def compiled(*tasks: Json, **members: Json) -> WorkflowDefinition:
    """A definition of these tasks, called `t0`, `t1`, …; members of the document beside them."""
    listed = [{f"t{number}": task} for number, task in enumerate(tasks)]
    return compile_text(json.dumps({"document": DOCUMENT, "do": listed, **members}), KNOWN)


def problems(*tasks: Json, **members: Json) -> list[tuple[str, str]]:
    """What the compiler has against it: position and message."""
    try:
        compiled(*tasks, **members)
    except InvalidDefinition as error:
        return [(found.problem.position, found.problem.message) for found in error.problems]
    return []


def answer_null(_effect: Effect) -> Answer:
    """The world says nothing of interest."""
    return Answer(Outcome(None))


def world_of(
    definition: WorkflowDefinition,
    input: Json = None,
    answer: Callable[[Effect], Answer] = answer_null,
    others: Sequence[WorkflowDefinition] = (),
    crash: Callable[[bool], bool] = crash_never,
    environment: Environment | None = None,
) -> World:
    """A world in which it was started as `it`, but nothing has happened yet."""
    world = World([definition, *others], answer, JQ, environment, crash=crash)
    world.start(definition, input, "it")
    return world


def ended(
    definition: WorkflowDefinition, input: Json = None, answer: Callable[[Effect], Answer] = answer_null
) -> Instance:
    """The instance once nothing more is to come."""
    world = world_of(definition, input, answer)
    world.run()
    return world.read("it")


def event(type: str, data: Json = None, id: str = "1") -> dict[str, Json]:
    """A CloudEvent."""
    return {"specversion": "1.0", "id": id, "source": "/test", "type": type, "data": data}
