"""What `call: mcp` knows at load, and what it needs to be installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flowrt.config.model import Config, Run, Shell
from flowrt.effects.mcp import McpCall
from flowrt.outside import Outside
from tests.effects.grpc.without import modules_after, run_without

STDIO: Any = {"stdio": {"command": "npx"}}


def _with(method: Any = "tools/list", transport: Any = STDIO, **more: Any) -> Any:
    return {"method": method, "transport": transport, **more}


@pytest.mark.parametrize(
    "given",
    [
        _with(),
        _with("${ .method }"),
        _with("tools/call", parameters="${ .parameters }"),
        _with("tools/call", parameters={"name": "${ .tool }"}, timeout={"seconds": "${ .s }"}),
        _with(transport={"http": {"endpoint": "${ .where }"}}, timeout="PT10S"),
        _with(transport={"http": {"endpoint": {"uri": "https://{host}/mcp", "authentication": {"use": "x"}}}}),
        _with(transport={"stdio": {"command": "npx"}, "options": {"a": "b"}}),
    ],
)
async def test_nothing_wrong(call: McpCall, given: Any) -> None:
    assert await call.check(given, None) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (_with("tools/run"), "/method: 'tools/run' is unknown; use one of prompts/get, prompts/list, "),
        (_with("tools/call"), "/parameters/name: it is missing; tools/call needs it"),
        (_with("resources/read", parameters={"url": "x"}), "/parameters/uri: it is missing"),
        (_with("tools/call", parameters="echo"), "/parameters: they must be an object, not str"),
        (_with(timeout="10 s"), "/timeout: '10 s' is no duration; write PT10S or {seconds: 10}"),
        (_with(transport={}), "/transport: it must have exactly one of http and stdio"),
        (_with(transport={"stdio": {}}), "/transport/stdio/command: it is missing"),
        (_with(transport={"http": {"endpoint": "mcp.example"}}), "/transport/http/endpoint: it must be an absolute"),
        (
            _with(
                transport={
                    "http": {
                        "endpoint": {
                            "uri": "https://mcp.example",
                            "authentication": {"oauth2": {"grant": "authorization_code"}},
                        }
                    }
                }
            ),
            "/transport/http/endpoint/authentication/oauth2/grant: the grant authorization_code needs a person",
        ),
    ],
)
async def test_problems_at_load(call: McpCall, given: Any, said: str) -> None:
    problems = await call.check(given, None)
    assert len(problems) == 1
    assert problems[0].startswith(said)


@pytest.mark.parametrize(
    ("config", "trusted", "allowed"),
    [
        (Config(), False, False),
        (Config(run=Run(shell=Shell(enabled=True))), False, True),
        (Config(run=Run(shell=Shell(enabled=True, commands=("uvx",)))), False, False),
        (Config(), True, True),
    ],
)
async def test_the_switch_of_shell_commands_is_that_of_servers_that_are_programs(
    config: Config, trusted: bool, allowed: bool
) -> None:
    outside = Outside(config, trusted)
    call = outside.factories()["mcp"]()
    problems = await call.check(_with(), None)
    assert (problems == []) == allowed
    assert all("run.shell" in problem for problem in problems)
    assert await call.check(_with(transport={"http": {"endpoint": "https://mcp.example"}}), None) == []
    await call.close()
    await outside.clients.close()


def test_missing_extra_is_told_at_load_and_at_run(tmp_path: Path) -> None:
    code = """
import asyncio
from flowrt.core.effect import Effect
from flowrt.core.fault import Faulted
from flowrt.effects.auth import Authentication
from flowrt.effects.client import Clients
from flowrt.effects.mcp import McpCall

async def main():
    call = McpCall(Clients(), Authentication(Clients()))
    print(await call.check({}, None))
    try:
        await call.run(Effect("mcp", {}, "1", "/do/0/a"))
    except Faulted as error:
        print(error.fault.type.rpartition("/")[2], error.fault.detail)

asyncio.run(main())
"""
    said = "call: mcp needs the extra: pip install 'flowrt[mcp]'"
    printed = run_without(("mcp", "mcp_types", "httpx2", "anyio"), code, tmp_path)
    assert printed.splitlines() == [f'["{said}"]', f"configuration {said}"]


def test_nothing_heavy_is_imported_before_a_call() -> None:
    assert not {"mcp", "mcp_types", "httpx2", "httpx", "pydantic"} & modules_after("import flowrt.effects.mcp")
