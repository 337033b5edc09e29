"""Where `call: a2a` sends a request, and with which credentials: cards, servers, versions, security."""

from __future__ import annotations

from typing import Any

import pytest
from a2a.types import APIKeySecurityScheme, HTTPAuthSecurityScheme, SecurityScheme

from flowrt.core.fault import PREFIX, Faulted
from flowrt.effects.a2a import A2aCall
from tests.effects.a2a.agent_server import Agent, serving
from tests.effects.a2a.conftest import effect_of, text

HI: Any = text("hi")


async def test_a_server_may_be_the_very_address(call: A2aCall) -> None:
    async with serving(["0.3"]) as agent:
        output = (await call.run(effect_of("message/send", HI, server={"uri": f"{agent.url}/rpc"}))).output
        assert output["messageId"] == "m1"
        assert [path for _, path, _ in agent.asked] == ["/rpc"]


async def test_a_server_is_found_by_its_card(call: A2aCall, agent: Agent) -> None:
    for _ in range(2):
        output = (await call.run(effect_of("message/send", HI, server={"uri": agent.url}))).output
        assert output["messageId"] == "m1"
    # The card is kept, and where it was found is not tried in vain again.
    assert [path for _, path, _ in agent.asked] == ["/", "/.well-known/agent-card.json", "/rpc", "/rpc"]


async def test_a_server_that_speaks_only_the_newer_version_is_found_by_its_card(call: A2aCall) -> None:
    async with serving(["1.0"]) as agent:
        output = (await call.run(effect_of("message/send", HI, server={"uri": f"{agent.url}/rpc"}))).output
        assert output["kind"] == "message"


async def test_a_server_without_a_card_keeps_its_own_error(call: A2aCall) -> None:
    async with serving(["1.0"]) as agent:
        agent.guard = lambda method, *_: 404 if method == "GET" else None
        with pytest.raises(Faulted, match=r"\[JSON-RPC error -32601\]"):
            await call.run(effect_of("message/send", HI, server={"uri": f"{agent.url}/rpc"}))


async def test_of_two_versions_the_one_with_the_method_is_spoken(call: A2aCall) -> None:
    async with serving(["1.0", "0.3"]) as agent:
        task = (await call.run(effect_of("message/send", text("report"), agentCard=agent.card))).output
        listed = (
            await call.run(effect_of("tasks/list", {"contextId": task["contextId"]}, agentCard=agent.card))
        ).output
        assert [each["id"] for each in listed["tasks"]] == [task["id"]]
        assert listed["tasks"][0]["status"]["state"] == "completed"
        versions = [headers["a2a-version"] for method, _, headers in agent.asked if method == "POST"]
        assert versions == ["0.3", "1.0"]


async def test_identity_and_credentials_are_sent(call: A2aCall, agent: Agent) -> None:
    card = {"endpoint": {**agent.card["endpoint"], "authentication": {"bearer": {"token": "t0ken"}}}}
    outcome = await call.run(effect_of("message/send", HI, agentCard=card))
    assert outcome.authorization == {"scheme": "Bearer", "parameter": "t0ken"}
    for _, _, headers in agent.asked:
        assert headers["authorization"] == "Bearer t0ken"
    assert agent.asked[-1][2]["idempotency-key"] == "01J/do/0/ask/0/0"


BEARER = SecurityScheme(http_auth_security_scheme=HTTPAuthSecurityScheme(scheme="bearer"))


def _key(location: str) -> SecurityScheme:
    return SecurityScheme(api_key_security_scheme=APIKeySecurityScheme(name="X-Agent-Key", location=location))


@pytest.mark.parametrize("version", ["0.3", "1.0"])
@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("header", lambda path, headers: headers.get("x-agent-key")),
        ("query", lambda path, headers: path.partition("X-Agent-Key=")[2]),
        ("cookie", lambda path, headers: headers.get("cookie", "").removeprefix("X-Agent-Key=")),
    ],
)
async def test_a_bearer_token_is_the_key_of_an_agent_with_api_keys(
    call: A2aCall, version: str, location: str, shown: Any
) -> None:
    async with serving([version], schemes={"key": _key(location)}, required=[["key"]]) as agent:
        agent.guard = lambda method, path, headers: (
            401 if method == "POST" and shown(path, headers) != "t0ken" else None
        )
        card = {"endpoint": {**agent.card["endpoint"], "authentication": {"bearer": {"token": "t0ken"}}}}
        output = (await call.run(effect_of("message/send", HI, agentCard=card))).output
        assert output["messageId"] == "m1"
        assert "authorization" not in agent.asked[-1][2]


async def test_a_card_that_wants_credentials_is_not_called_without(call: A2aCall) -> None:
    async with serving(
        ["0.3"], schemes={"token": BEARER, "key": _key("header")}, required=[["token"], ["key"]]
    ) as agent:
        with pytest.raises(Faulted, match="wants credentials: token or key; give authentication") as caught:
            await call.run(effect_of("message/send", HI, agentCard=agent.card))
        assert (caught.value.fault.type, caught.value.fault.status) == (PREFIX + "runtime", 401)
        assert [method for method, _, _ in agent.asked] == ["GET"]


async def test_an_agent_without_json_rpc_is_told(call: A2aCall) -> None:
    async with serving(["1.0"], binding="GRPC") as agent:
        with pytest.raises(Faulted, match=r"offers GRPC 1\.0; call: a2a speaks JSON-RPC"):
            await call.run(effect_of("message/send", HI, agentCard=agent.card))


async def test_what_is_no_card_is_told(call: A2aCall) -> None:
    async with serving(["0.3"]) as agent:
        agent.guard = lambda *_: 200
        with pytest.raises(Faulted, match="is no agent card"):
            await call.run(effect_of("message/send", HI, agentCard=agent.card))
