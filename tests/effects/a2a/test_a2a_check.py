"""What `call: a2a` knows at load, and what it needs to be installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flowrt.effects.a2a import A2aCall
from tests.effects.a2a.conftest import text
from tests.effects.grpc.without import modules_after, run_without

CARD: Any = {"endpoint": "https://agent.example/.well-known/agent-card.json"}


def _with(method: Any = "message/send", parameters: Any = None, **more: Any) -> Any:
    where = more or {"agentCard": CARD}
    return {"method": method, "parameters": text("hi") if parameters is None else parameters, **where}


@pytest.mark.parametrize(
    "given",
    [
        _with(),
        _with("${ .method }"),
        _with(parameters="${ .parameters }"),
        _with(parameters={"message": "${ .message }"}),
        _with("tasks/list", {"contextId": "c"}),
        {"method": "agent/getAuthenticatedExtendedCard", "server": "https://agent.example"},
        _with(server={"uri": "https://{host}/a2a", "authentication": {"use": "named"}}),
        _with(server="${ .where }"),
        _with(agentCard={"endpoint": "card.json"}),
    ],
)
async def test_nothing_wrong(call: A2aCall, given: Any) -> None:
    assert await call.check(given, None) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (_with("message/post"), "/method: 'message/post' is unknown; use one of message/send, message/stream, "),
        (_with(parameters="hi"), "/parameters: they must be an object, not str"),
        (_with(parameters={"message": {}}), "/parameters/message/parts: Field required"),
        (_with("tasks/get", {"task": "1"}), "/parameters/id: Field required"),
        ({"method": "message/send", "parameters": text("hi")}, "/agentCard: it or server must say where the agent is"),
        (_with(server="agent.example"), "/server: it must be an absolute http or https address"),
        (
            _with(server={"uri": "https://a.example", "authentication": {"oidc": {"grant": "authorization_code"}}}),
            "/server/authentication/oidc/grant: the grant authorization_code needs a person",
        ),
    ],
)
async def test_problems_at_load(call: A2aCall, given: Any, said: str) -> None:
    problems = await call.check(given, None)
    assert len(problems) == 1
    assert problems[0].startswith(said)


def test_missing_extra_is_told_at_load_and_at_run(tmp_path: Path) -> None:
    code = """
import asyncio
from flowrt.core.effect import Effect
from flowrt.core.fault import Faulted
from flowrt.effects.a2a import A2aCall
from flowrt.effects.auth import Authentication
from flowrt.effects.client import Clients
from flowrt.effects.resources import Resources

async def main():
    authentication = Authentication(Clients())
    call = A2aCall(authentication, Resources(authentication))
    print(await call.check({}, None))
    try:
        await call.run(Effect("a2a", {}, "1", "/do/0/a"))
    except Faulted as error:
        print(error.fault.type.rpartition("/")[2], error.fault.detail)

asyncio.run(main())
"""
    said = "call: a2a needs the extra: pip install 'flowrt[a2a]'"
    printed = run_without(("a2a",), code, tmp_path)
    assert printed.splitlines() == [f'["{said}"]', f"configuration {said}"]


def test_nothing_heavy_is_imported_before_a_call() -> None:
    assert not {"a2a", "google", "pydantic", "httpx"} & modules_after("import flowrt.effects.a2a")
