"""The specification's examples that call nobody: set, switch, raise, wait, and what is run on this machine."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.examples.stage import Stage
from tests.effects.process.node import require_node

Json = Any


@pytest.mark.parametrize("name", ["raise-inline", "raise-reusable"])
async def test_an_error_is_raised(stage: Stage, name: str) -> None:
    error = (await stage.run(name)).error or {}
    assert (error["title"], error["status"]) == ("Not Implemented", 500)
    said = "The workflow 'raise-not-implemented:0.1.0' is a work in progress and cannot be run yet"
    assert error["detail"] == said


@pytest.mark.parametrize(
    ("kind", "output"),
    [
        ("electronic", {"validate": True, "status": "fulfilled"}),
        ("physical", {"inventory": "clear", "items": 1, "address": "Elmer St"}),
        ("other", {"log": "warn", "message": "something's wrong"}),
    ],
)
async def test_a_switch(stage: Stage, kind: str, output: Json) -> None:
    assert await stage.output("switch-then-string", {"orderType": kind}) == output


@pytest.mark.parametrize(
    ("name", "shorter"),
    [("wait-duration-inline", {"seconds: 30": "milliseconds: 30"}), ("wait-duration-iso8601", {"PT30S": "PT0.03S"})],
)
async def test_a_wait(stage: Stage, name: str, shorter: dict[str, str]) -> None:
    handle = await stage.start(name)
    await stage.waiting(handle, "time")
    await handle.cancel()
    assert await stage.output(name, {"n": 1}, shorter) == {"n": 1}


async def test_a_shell_command(stage: Stage) -> None:
    output = await stage.output("run-shell-stdin-and-arguments")
    assert output.splitlines() == ["STDIN was: Hello World", "ARGS are Foo Bar"]


async def test_a_script(stage: Stage) -> None:
    require_node()
    output = await stage.output("run-script-with-stdin-and-arguments")
    assert output.splitlines() == ["stdin >  Hello Workflow", "arg >  hello", "env >  bar"]


async def test_a_workflow_of_another_one(stage: Stage) -> None:
    child = """
document: {dsl: '1.0.3', namespace: test, name: register-customer, version: '0.1.0'}
do: [{register: {set: {registered: '${ .customer }'}}}]
"""
    stage.runtime.deploy(child)
    assert await stage.output("run-subflow", {"user": {"name": "Ann"}}) == {"registered": ".user"}
