"""`call: mcp` to a server that is a process: all methods, failures, timeouts, and the process's end."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from flowrt.core.fault import PREFIX, Fault, Faulted
from flowrt.effects.auth import Authentication
from flowrt.effects.client import Clients
from flowrt.effects.mcp import McpCall
from flowrt.effects.process import ProcessSettings
from tests.effects.mcp.conftest import Ask


async def _output(call: McpCall, effect: Any) -> Any:
    return (await call.run(effect)).output


async def _fault(call: McpCall, effect: Any) -> Fault:
    with pytest.raises(Faulted) as caught:
        await call.run(effect)
    return caught.value.fault


@pytest.mark.parametrize(
    ("method", "member", "names"),
    [
        ("tools/list", "tools", ["echo", "fail", "break", "hang", "die"]),
        ("prompts/list", "prompts", ["forecast", "history", "joke"]),
        ("resources/list", "resources", ["oslo", "rome", "lima"]),
        ("resources/templates/list", "resourceTemplates", ["a", "b", "c"]),
    ],
)
async def test_lists_are_followed_to_their_end(
    call: McpCall, over_stdio: Ask, method: str, member: str, names: list[str]
) -> None:
    output = await _output(call, over_stdio(method))
    assert [item["name"] for item in output[member]] == names
    assert "nextCursor" not in output


async def test_a_given_cursor_asks_for_its_page_only(call: McpCall, over_stdio: Ask) -> None:
    output = await _output(call, over_stdio("tools/list", {"cursor": "2"}))
    assert [tool["name"] for tool in output["tools"]] == ["break", "hang"]
    assert output["nextCursor"] == "4"


async def test_tool_result_is_the_json_rpc_result(call: McpCall, over_stdio: Ask) -> None:
    arguments = {"city": "Oslo", "nothing": None, "deep": [{"a": None}]}
    output = await _output(call, over_stdio("tools/call", {"name": "echo", "arguments": arguments}))
    assert output["content"] == [{"type": "text", "text": "echo of ['city', 'deep', 'nothing']"}]
    assert output["structuredContent"]["arguments"] == arguments


async def test_prompt_and_resource(call: McpCall, over_stdio: Ask) -> None:
    prompt = await _output(call, over_stdio("prompts/get", {"name": "forecast", "arguments": {"city": "Rome"}}))
    said = {"type": "text", "text": "The forecast for Rome, please"}
    assert prompt["messages"] == [{"role": "user", "content": said}]
    resource = await _output(call, over_stdio("resources/read", {"uri": "weather://oslo"}))
    assert resource["contents"] == [{"uri": "weather://oslo", "mimeType": "text/plain", "text": "sunny"}]


@pytest.mark.parametrize(
    ("wanted", "agreed"),
    [(None, "2025-06-18"), ("2024-11-05", "2024-11-05"), ("2025-11-25", "2025-11-25"), ("2026-07-28", "2026-07-28")],
)
async def test_protocol_version_and_client_are_told(
    call: McpCall, over_stdio: Ask, wanted: str | None, agreed: str
) -> None:
    more: dict[str, Any] = {"client": {"name": "shop", "version": "9.8.7"}}
    if wanted:
        more["protocolVersion"] = wanted
    output = await _output(call, over_stdio("tools/call", {"name": "echo"}, **more))
    seen = output["structuredContent"]
    assert (seen["protocol"], seen["client"]) == (agreed, {"name": "shop", "version": "9.8.7"})


async def test_environment_is_what_was_given(call: McpCall, over_stdio: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS", "must not be seen")
    names = ["CITY", "OURS", "FLOWRT_IDEMPOTENCY_KEY"]
    asked = {"name": "echo", "arguments": {"environment": names}}
    output = await _output(call, over_stdio("tools/call", asked, stdio={"environment": {"CITY": "Oslo"}}))
    environment = output["structuredContent"]["environment"]
    assert environment == {"CITY": "Oslo", "OURS": None, "FLOWRT_IDEMPOTENCY_KEY": "01J/do/0/ask/0/0"}


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"name": "fail"}, "tool 'fail': no weather\ntoday"),
        ({"name": "break"}, "the sky is falling ({'where': 'here'}) [JSON-RPC error -32050]"),
        ({"name": "rain"}, "Unknown tool: rain [JSON-RPC error -32602]"),
    ],
)
async def test_failures_are_runtime_faults(call: McpCall, over_stdio: Ask, parameters: Any, said: str) -> None:
    fault = await _fault(call, over_stdio("tools/call", parameters))
    assert (fault.type, fault.status) == (PREFIX + "runtime", 500)
    assert said in (fault.detail or "")


async def test_a_server_that_dies_is_told_with_its_stderr(call: McpCall, over_stdio: Ask) -> None:
    fault = await _fault(call, over_stdio("tools/call", {"name": "die"}))
    assert fault.type == PREFIX + "runtime"
    assert "its stderr: cannot go on: out of sunshine" in (fault.detail or "")


async def test_a_program_that_is_not_there(call: McpCall, over_stdio: Ask) -> None:
    fault = await _fault(call, over_stdio("tools/list", stdio={"command": "no-such-program"}))
    assert (fault.type, fault.status) == (PREFIX + "runtime", 503)
    assert "no-such-program" in (fault.detail or "")


OFF = "run.shell is off; set run.shell.enabled to true to allow programs as MCP servers"
LISTED = ProcessSettings(shell_enabled=True, allowed_commands=("npx",))


@pytest.mark.parametrize(
    ("settings", "stdio", "said"),
    [
        (ProcessSettings(), {"command": "npx"}, OFF),
        (LISTED, {"command": "node"}, "command 'node' is not on the list run.shell.commands"),
        (LISTED, {"command": "npx", "environment": {"LD_PRELOAD": "x"}}, "environment: LD_PRELOAD is refused"),
    ],
)
async def test_a_program_that_may_not_be_started(
    over_stdio: Ask, settings: ProcessSettings, stdio: dict[str, Any], said: str
) -> None:
    clients = Clients()
    call = McpCall(clients, Authentication(clients), settings)
    effect = over_stdio("tools/list", stdio=stdio)
    fault = await _fault(call, effect)
    assert fault.type == PREFIX + "configuration"
    assert (fault.detail or "").startswith(f"call: mcp: transport.stdio: {said}")
    [problem] = await call.check(effect.arguments, None)
    assert problem.startswith(f"/transport/stdio: {said}")


async def test_a_program_that_an_expression_names_is_judged_when_it_is_known(over_stdio: Ask) -> None:
    clients = Clients()
    unknown = over_stdio("tools/list", stdio={"command": "${ .server }"}).arguments
    assert await McpCall(clients, Authentication(clients), LISTED).check(unknown, None) == []
    assert await McpCall(clients, Authentication(clients)).check(unknown, None) == [f"/transport/stdio: {OFF}"]


async def _pids(path: Path) -> list[int]:
    while not path.exists() or not path.read_text():
        await asyncio.sleep(0.01)
    return [int(pid) for pid in path.read_text().split()]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A process that nobody waits for is dead all the same.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


async def test_timeout_ends_the_call_and_the_process(call: McpCall, over_stdio: Ask, tmp_path: Path) -> None:
    started = tmp_path / "started"
    wanted = {"name": "hang", "arguments": {"started": str(started)}}
    fault = await _fault(call, over_stdio("tools/call", wanted, timeout={"seconds": 2, "milliseconds": 500}))
    assert (fault.type, fault.status) == (PREFIX + "runtime", 504)
    assert (fault.detail or "").startswith("mcp tools/call at ")
    assert "no answer within 2.5 s" in (fault.detail or "")
    assert not any(_is_alive(pid) for pid in await _pids(started))


@pytest.mark.parametrize("times", [1, 2])
async def test_cancel_ends_the_process_and_its_children(
    call: McpCall, over_stdio: Ask, tmp_path: Path, times: int
) -> None:
    started = tmp_path / "started"
    wanted = {"name": "hang", "arguments": {"started": str(started), "child": True}}
    running = asyncio.create_task(call.run(over_stdio("tools/call", wanted, "--ignore-eof")))
    pids = await asyncio.wait_for(_pids(started), 20)
    for _ in range(times):
        running.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await running
    await call.close()
    assert not any(_is_alive(pid) for pid in pids)
