"""A real agent: what it does depends on the text it is sent.

`hi` is answered with a message, `report` by a task with an artifact, `wait` by a task that works until it is cancelled.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.events import EventQueue
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.routes import create_agent_card_routes, create_jsonrpc_routes
from a2a.server.tasks import InMemoryPushNotificationConfigStore, InMemoryTaskStore, TaskUpdater
from a2a.types import (
    AgentCapabilities,
    AgentCard,
    AgentInterface,
    AgentSkill,
    Message,
    Part,
    Role,
    SecurityRequirement,
    SecurityScheme,
    StringList,
    Task,
    TaskState,
    TaskStatus,
)
from starlette.applications import Starlette

Guard = Callable[[str, str, dict[str, str]], int | None]


class Reporter(AgentExecutor):
    """Remembers the messages it was sent."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.cancelled = asyncio.Event()

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        assert context.message is not None
        self.messages.append(context.message)
        said = context.message.parts[0].text
        if said == "hi":
            answer = Message(message_id="m1", role=Role.ROLE_AGENT, parts=[Part(text="hello")])
            await event_queue.enqueue_event(answer)
            return
        assert context.task_id is not None
        assert context.context_id is not None
        status = TaskStatus(state=TaskState.TASK_STATE_SUBMITTED)
        await event_queue.enqueue_event(Task(id=context.task_id, context_id=context.context_id, status=status))
        updater = TaskUpdater(event_queue, context.task_id, context.context_id)
        await updater.start_work()
        if said == "wait":
            await asyncio.Event().wait()
        await updater.add_artifact([Part(text="sales are up")], artifact_id="a1", name="report")
        await updater.complete()

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        assert context.task_id is not None
        assert context.context_id is not None
        self.cancelled.set()
        await TaskUpdater(event_queue, context.task_id, context.context_id).cancel()


@dataclass
class Agent:
    """A running agent. `guard` may answer a request (method, path with query, headers) with a status instead of it."""

    reporter: Reporter
    url: str = ""
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    guard: Guard = lambda *_: None

    @property
    def card(self) -> dict[str, Any]:
        return {"endpoint": {"uri": f"{self.url}/.well-known/agent-card.json"}}

    def around(self, app: Any) -> Any:
        async def guarded(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            headers = {name.decode(): value.decode() for name, value in scope["headers"]}
            query = scope["query_string"].decode()
            path = scope["path"] + (f"?{query}" if query else "")
            self.asked.append((scope["method"], path, headers))
            status = self.guard(scope["method"], path, headers)
            if status is None:
                await app(scope, receive, send)
                return
            await send({"type": "http.response.start", "status": status, "headers": []})
            await send({"type": "http.response.body", "body": b"go away"})

        return guarded


@asynccontextmanager
async def serving(
    versions: Sequence[str],
    *,
    schemes: dict[str, SecurityScheme] | None = None,
    required: Sequence[Sequence[str]] = (),
    binding: str = "JSONRPC",
) -> AsyncIterator[Agent]:
    """An agent whose card offers `versions`; it understands 0.3 only if that is among them."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        agent = Agent(Reporter(), f"http://127.0.0.1:{sock.getsockname()[1]}")
        card = AgentCard(
            name="reporter",
            description="Writes reports.",
            version="1.0.0",
            supported_interfaces=[
                AgentInterface(url=f"{agent.url}/rpc", protocol_binding=binding, protocol_version=version)
                for version in versions
            ],
            capabilities=AgentCapabilities(streaming=True, push_notifications=True, extended_agent_card=True),
            default_input_modes=["text/plain"],
            default_output_modes=["text/plain"],
            skills=[AgentSkill(id="report", name="report", description="Writes one.", tags=["sales"])],
            security_schemes=schemes or {},
            security_requirements=[
                SecurityRequirement(schemes={name: StringList() for name in names}) for names in required
            ],
        )
        handler = DefaultRequestHandler(
            agent.reporter,
            InMemoryTaskStore(),
            card,
            push_config_store=InMemoryPushNotificationConfigStore(),
            extended_agent_card=card,
        )
        rpc = create_jsonrpc_routes(handler, "/rpc", enable_v0_3_compat="0.3" in versions)
        app = Starlette(routes=[*create_agent_card_routes(card), *rpc])
        config = uvicorn.Config(agent.around(app), log_config=None, timeout_graceful_shutdown=1, ws="none")
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve(sockets=[sock]))
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            yield agent
        finally:
            server.should_exit = True
            await running
