"""`call: a2a` against a real agent of either version: messages, streams, tasks, push notifications, failures."""

from __future__ import annotations

import asyncio
import socket
from typing import Any
from uuid import UUID

import pytest

from flowrt.core.effect import Effect
from flowrt.core.fault import PREFIX, Fault, Faulted
from flowrt.effects.a2a import A2aCall
from tests.effects.a2a.agent_server import Agent
from tests.effects.a2a.conftest import effect_of, text


async def _output(call: A2aCall, effect: Effect) -> Any:
    return (await call.run(effect)).output


async def _fault(call: A2aCall, effect: Effect) -> Fault:
    with pytest.raises(Faulted) as caught:
        await call.run(effect)
    return caught.value.fault


async def _waiting(call: A2aCall, agent: Agent) -> str:
    """The id of a task that works until it is cancelled."""
    parameters = {**text("wait"), "configuration": {"blocking": False, "acceptedOutputModes": ["text/plain"]}}
    task = await _output(call, effect_of("message/send", parameters, agentCard=agent.card))
    assert task["kind"] == "task"
    return str(task["id"])


async def test_a_message_is_answered_with_a_message(call: A2aCall, agent: Agent) -> None:
    output = await _output(call, effect_of("message/send", text("hi"), agentCard=agent.card))
    parts = [{"kind": "text", "text": "hello"}]
    assert output == {"kind": "message", "messageId": "m1", "role": "agent", "parts": parts}


async def test_a_message_is_answered_with_a_task(call: A2aCall, agent: Agent) -> None:
    output = await _output(call, effect_of("message/send", text("report"), agentCard=agent.card))
    assert (output["kind"], output["status"]["state"]) == ("task", "completed")
    assert output["artifacts"][0]["parts"] == [{"kind": "text", "text": "sales are up"}]


async def test_message_id_and_role_have_defaults_that_a_repetition_shares(call: A2aCall, agent: Agent) -> None:
    for attempt in (0, 0, 1):
        await call.run(effect_of("message/send", text("hi"), attempt, agentCard=agent.card))
    first, second, retried = (message.message_id for message in agent.reporter.messages)
    assert first == second != retried
    assert UUID(first)
    assert agent.reporter.messages[0].role == 1


async def test_given_message_id_stays(call: A2aCall, agent: Agent) -> None:
    await call.run(effect_of("message/send", text("hi", messageId="mine"), agentCard=agent.card))
    assert agent.reporter.messages[0].message_id == "mine"


async def test_a_stream_is_the_array_of_its_results(call: A2aCall, agent: Agent) -> None:
    output = await _output(call, effect_of("message/stream", text("report"), agentCard=agent.card))
    kinds = [event["kind"] for event in output]
    assert kinds == ["task", "status-update", "artifact-update", "status-update"]
    assert [event["status"]["state"] for event in output if "status" in event] == ["submitted", "working", "completed"]


async def test_tasks_are_got_and_cancelled(call: A2aCall, agent: Agent) -> None:
    task_id = await _waiting(call, agent)
    got = await _output(call, effect_of("tasks/get", {"id": task_id}, agentCard=agent.card))
    assert got["id"] == task_id
    cancelled = await _output(call, effect_of("tasks/cancel", {"id": task_id}, agentCard=agent.card))
    assert cancelled["status"]["state"] == "canceled"
    assert agent.reporter.cancelled.is_set()


async def test_resubscribing_gives_the_rest_of_the_stream(call: A2aCall, agent: Agent) -> None:
    task_id = await _waiting(call, agent)
    wanted = effect_of("tasks/resubscribe", {"id": task_id}, agentCard=agent.card)
    watching = asyncio.create_task(_output(call, wanted))
    while not any(path == "/rpc" and "event-stream" in headers["accept"] for _, path, headers in agent.asked):
        await asyncio.sleep(0.01)
    await call.run(effect_of("tasks/cancel", {"id": task_id}, agentCard=agent.card))
    events = await asyncio.wait_for(watching, 10)
    assert events[-1]["status"]["state"] == "canceled"


async def test_push_notification_configs(call: A2aCall, agent: Agent) -> None:
    task_id = await _waiting(call, agent)
    prefix = "tasks/pushNotificationConfig"

    async def ask(verb: str, parameters: Any) -> Any:
        return await _output(call, effect_of(f"{prefix}/{verb}", parameters, agentCard=agent.card))

    config = {"id": "c1", "url": "https://example.com/hook"}
    made = await ask("set", {"taskId": task_id, "pushNotificationConfig": config})
    assert made["taskId"] == task_id
    assert made["pushNotificationConfig"]["url"] == "https://example.com/hook"
    got = await ask("get", {"id": task_id, "pushNotificationConfigId": "c1"})
    assert got["pushNotificationConfig"]["id"] == "c1"
    assert [each["pushNotificationConfig"]["id"] for each in await ask("list", {"id": task_id})] == ["c1"]
    assert await ask("delete", {"id": task_id, "pushNotificationConfigId": "c1"}) is None
    assert await ask("list", {"id": task_id}) == []
    await call.run(effect_of("tasks/cancel", {"id": task_id}, agentCard=agent.card))


async def test_the_extended_card(call: A2aCall, agent: Agent) -> None:
    output = await _output(call, effect_of("agent/getAuthenticatedExtendedCard", agentCard=agent.card))
    assert output["name"] == "reporter"


async def test_an_error_of_the_agent_is_a_runtime_fault_with_its_code(call: A2aCall, agent: Agent) -> None:
    fault = await _fault(call, effect_of("tasks/get", {"id": "nothing"}, agentCard=agent.card))
    assert (fault.type, fault.status) == (PREFIX + "runtime", 500)
    assert (fault.detail or "").startswith(f"a2a tasks/get: {agent.url}/rpc: ")
    assert "[JSON-RPC error -32001]" in (fault.detail or "")


async def test_an_error_before_a_stream_is_a_runtime_fault(call: A2aCall, agent: Agent) -> None:
    fault = await _fault(call, effect_of("tasks/resubscribe", {"id": "nothing"}, agentCard=agent.card))
    assert fault.type == PREFIX + "runtime"
    assert "[JSON-RPC error -32001]" in (fault.detail or "")


async def test_an_http_error_is_a_runtime_fault_with_its_status(call: A2aCall, agent: Agent) -> None:
    agent.guard = lambda method, *_: 503 if method == "POST" else None
    fault = await _fault(call, effect_of("message/send", text("hi"), agentCard=agent.card))
    assert (fault.type, fault.status) == (PREFIX + "runtime", 503)
    assert "HTTP 503 Service Unavailable: go away" in (fault.detail or "")


async def test_no_agent_is_a_runtime_fault(call: A2aCall) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        server = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        for where in ({"server": server}, {"agentCard": {"endpoint": server}}):
            fault = await _fault(call, effect_of("message/send", text("hi"), **where))
            assert (fault.type, fault.status) == (PREFIX + "runtime", 503)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"message": {"parts": "hello"}}, "parameters/message/parts: Input should be a valid list"),
        ({"message": {"parts": [], "role": "boss"}}, "parameters/message/role: Input should be 'agent' or 'user'"),
        ({}, "parameters/message: Field required"),
    ],
)
async def test_parameters_that_do_not_fit_are_not_sent(call: A2aCall, agent: Agent, parameters: Any, said: str) -> None:
    fault = await _fault(call, effect_of("message/send", parameters, agentCard=agent.card))
    assert fault.status == 400
    assert said in (fault.detail or "")
    assert not agent.asked


async def test_cancelling_the_task_closes_the_stream(call: A2aCall, agent: Agent) -> None:
    running = asyncio.create_task(call.run(effect_of("message/stream", text("wait"), agentCard=agent.card)))
    while not agent.reporter.messages:
        await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
