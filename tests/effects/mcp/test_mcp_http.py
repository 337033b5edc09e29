"""`call: mcp` to a server over streamable HTTP: answers as JSON and as events, headers, credentials, refusals."""

from __future__ import annotations

import asyncio
import hashlib
import re
import socket
from pathlib import Path
from typing import Any

import pytest

from flowrt.core.fault import PREFIX, Fault, Faulted
from flowrt.effects.mcp import McpCall
from tests.effects.mcp.conftest import Web


async def _fault(call: McpCall, effect: Any) -> Fault:
    with pytest.raises(Faulted) as caught:
        await call.run(effect)
    return caught.value.fault


async def test_every_kind_of_method(call: McpCall, web: Web) -> None:
    tools = (await call.run(web.ask("tools/list"))).output["tools"]
    assert [tool["name"] for tool in tools] == ["echo", "fail", "break", "hang", "die"]
    echo = (await call.run(web.ask("tools/call", {"name": "echo", "arguments": {"a": 1}}))).output
    assert echo["structuredContent"]["arguments"] == {"a": 1}
    resource = (await call.run(web.ask("resources/read", {"uri": "weather://oslo"}))).output
    assert resource["contents"][0]["text"] == "sunny"


@pytest.mark.parametrize("version", ["2025-03-26", "2025-06-18", "2026-07-28"])
async def test_protocol_version_is_a_header(call: McpCall, web: Web, version: str) -> None:
    output = (await call.run(web.ask("tools/call", {"name": "echo"}, protocolVersion=version))).output
    assert output["structuredContent"]["protocol"] == version
    sent = [headers for method, headers in web.asked if method == "POST"]
    assert sent[-1]["mcp-protocol-version"] == version


async def test_headers_credentials_and_identity_are_on_every_request(call: McpCall, web: Web) -> None:
    wanted = web.ask("tools/list", http={"headers": {"X-City": "Oslo"}}, authentication={"bearer": {"token": "t0ken"}})
    outcome = await call.run(wanted)
    assert outcome.authorization == {"scheme": "Bearer", "parameter": "t0ken"}
    assert {method for method, _ in web.asked} >= {"POST", "DELETE"}
    for _, headers in web.asked:
        assert headers["x-city"] == "Oslo"
        assert headers["authorization"] == "Bearer t0ken"
        assert headers["idempotency-key"] == "01J/do/0/ask/0/0"
        assert headers["traceparent"].startswith("00-")
        assert headers["user-agent"].startswith("flowrt")


async def test_digest_authentication_answers_the_challenge(call: McpCall, web: Web) -> None:
    def hashed(text: str) -> str:
        return hashlib.sha256(text.encode()).hexdigest()

    def guard(method: str, headers: dict[str, str]) -> tuple[int, dict[str, str]] | None:
        given = dict(re.findall(r'(\w+)="?([^",]*)"?', headers.get("authorization", "")))
        parts = [given.get(name, "") for name in ("nonce", "nc", "cnonce", "qop")]
        expected = hashed(":".join([hashed("ann:weather:pass"), *parts, hashed(f"{method}:/mcp")]))
        if given.get("response") == expected:
            return None
        challenge = 'Digest realm="weather", nonce="n1", qop="auth", algorithm=SHA-256'
        return 401, {"www-authenticate": challenge}

    web.guard = guard
    policy = {"digest": {"username": "ann", "password": "pass"}}
    output = (await call.run(web.ask("resources/read", {"uri": "weather://oslo"}, authentication=policy))).output
    assert output["contents"][0]["text"] == "sunny"


@pytest.mark.parametrize("status", [401, 403, 500, 503])
async def test_a_refusal_is_a_runtime_fault_with_its_status(call: McpCall, web: Web, status: int) -> None:
    web.guard = lambda *_: (status, {})
    fault = await _fault(call, web.ask("tools/list"))
    assert (fault.type, fault.status) == (PREFIX + "runtime", status)
    assert f"HTTP {status}" in (fault.detail or "")


async def test_failures_of_tools_and_server(call: McpCall, web: Web) -> None:
    fault = await _fault(call, web.ask("tools/call", {"name": "fail"}))
    assert (fault.type, fault.status) == (PREFIX + "runtime", 500)
    assert fault.detail == f"mcp tools/call at {web.url}: tool 'fail': no weather\ntoday"
    fault = await _fault(call, web.ask("tools/call", {"name": "break"}))
    assert "the sky is falling ({'where': 'here'}) [JSON-RPC error -32050]" in (fault.detail or "")


async def test_no_server_is_a_runtime_fault(call: McpCall) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        web = Web(f"http://127.0.0.1:{unused.getsockname()[1]}/mcp?key=s3cret")
        fault = await _fault(call, web.ask("tools/list"))
    assert (fault.type, fault.status) == (PREFIX + "runtime", 503)
    assert "s3cret" not in (fault.detail or "")


async def test_forbidden_hosts_are_not_called(call: McpCall) -> None:
    fault = await _fault(call, Web("http://169.254.169.254/mcp").ask("tools/list"))
    assert (fault.type, fault.status) == (PREFIX + "runtime", 403)
    assert "deny-link-local" in (fault.detail or "")


async def _exists(path: Path) -> None:
    while not path.exists():
        await asyncio.sleep(0.01)


async def test_cancelling_the_task_cancels_the_request(call: McpCall, web: Web, tmp_path: Path) -> None:
    wanted = {"name": "hang", "arguments": {"started": str(tmp_path / "hang.started")}}
    running = asyncio.create_task(call.run(web.ask("tools/call", wanted)))
    await asyncio.wait_for(_exists(tmp_path / "hang.started"), 5)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await asyncio.wait_for(_exists(tmp_path / "hang.ended"), 5)


@pytest.mark.parametrize("timeout", ["PT1S", 1.0])
async def test_timeout_cancels_the_request(call: McpCall, web: Web, tmp_path: Path, timeout: Any) -> None:
    wanted = {"name": "hang", "arguments": {"started": str(tmp_path / "hang.started")}}
    fault = await _fault(call, web.ask("tools/call", wanted, timeout=timeout))
    assert (fault.type, fault.status) == (PREFIX + "runtime", 504)
    await asyncio.wait_for(_exists(tmp_path / "hang.ended"), 5)
