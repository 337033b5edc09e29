"""`call: mcp`: one request to a Model Context Protocol server, its result as the task's output.

Invariants: every call has a session of its own, which ends with it, also when it is cancelled; nothing of the package
is imported before a call needs it; every failure is a `runtime` fault, as the specification wants it.
Source: dsl-reference.md, "MCP Call".
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from flowrt.core.effect import Effect, Json, Outcome
from flowrt.core.fault import Fault, Faulted
from flowrt.effects.auth import Authentication, policy_problems
from flowrt.effects.client import Clients
from flowrt.effects.client.faults import misconfigured
from flowrt.effects.mcp.arguments import Stdio, Wanted, endpoint_policy, problems_of, program_of, read_arguments
from flowrt.effects.mcp.connections import Connections
from flowrt.effects.mcp.extra import MISSING, is_missing
from flowrt.effects.mcp.session import converse
from flowrt.effects.mcp.stdio import Process
from flowrt.effects.mcp.streamable import Endpoint
from flowrt.effects.process import ProcessSettings
from flowrt.effects.process_rules import refusal_of, refusal_of_all

_NO_ANSWER, _NO_ANSWER_IN_TIME = 503, 504


class McpCall:
    """The adapter of kind `mcp`.

    Arguments: `{"method", "parameters"?, "transport": {"http": {"endpoint", "headers"?}} or {"stdio": {"command",
    "arguments"?, "environment"?}}, "protocolVersion"?, "timeout"?, "client"?: {"name", "version"}}`, all evaluated.
    The output is the JSON-RPC result; a list is followed to its end unless `parameters.cursor` asks for one page.

    `settings`: whether, and which, programs may be started as servers. By default none.
    """

    kind = "mcp"

    def __init__(
        self, clients: Clients, authentication: Authentication, settings: ProcessSettings | None = None
    ) -> None:
        self._authentication = authentication
        self._connections = Connections(clients)
        self._settings = settings or ProcessSettings()
        self._running: set[asyncio.Task[Outcome]] = set()

    async def run(self, effect: Effect) -> Outcome:
        """Raises `runtime`/500 for an error of the server or a tool, /503 without an answer, /504 after `timeout`, or
        with the HTTP status; `configuration` for arguments that cannot be used."""
        if is_missing():
            raise misconfigured(MISSING)
        wanted = read_arguments(effect.arguments)
        if isinstance(wanted.transport, Stdio):
            problem = self._refusal(wanted.transport.command, wanted.transport.environment)
            if problem is not None:
                raise misconfigured(f"call: mcp: transport.stdio: {problem}")
        # A task of its own: a second cancellation must not break off the ending of the server process.
        task = asyncio.create_task(self._ask(wanted, effect))
        self._running.add(task)
        task.add_done_callback(self._ended)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait([task])
            raise

    async def check(self, arguments: Json, base_uri: str | None) -> Sequence[str]:
        """A missing extra; wrong methods, transports, durations and policies that are written out; a program that may
        not be started, as far as no expression decides it."""
        if is_missing():
            return [MISSING]
        problems = list(problems_of(arguments))
        if (program := program_of(arguments)) is not None and (refusal := self._refusal(*program)) is not None:
            problems.append(f"/transport/stdio: {refusal}")
        policy = policy_problems(endpoint_policy(arguments))
        return [*problems, *(f"/transport/http/endpoint/authentication{problem}" for problem in policy)]

    async def close(self) -> None:
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._connections.close()

    def _ended(self, task: asyncio.Task[Outcome]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, for nobody may be left to do so

    def _refusal(self, command: str | None, environment: Json) -> str | None:
        disabled = refusal_of_all(self._settings, "programs as MCP servers")
        if disabled is not None or command is None:
            return disabled
        return refusal_of(self._settings, command, environment)

    async def _ask(self, wanted: Wanted, effect: Effect) -> Outcome:
        peer, limit_s = self._peer(wanted, effect)
        try:
            async with asyncio.timeout(limit_s) as limit:
                result = await converse(peer.open(), wanted)
        except Exception as error:
            # Whatever: the package's tasks raise what they meet, its own errors and those below, in nested groups.
            result = _fault(wanted, error, limit_s if limit.expired() else None)
        if isinstance(result, Fault):
            raise Faulted(peer.explained(result))
        return Outcome(result, peer.authorization)

    def _peer(self, wanted: Wanted, effect: Effect) -> tuple[Process | Endpoint, float | None]:
        """The server, and for how many seconds it may take its time."""
        transport = wanted.transport
        if isinstance(transport, Stdio):
            return Process(transport, effect.idempotency_key), wanted.timeout_s
        total_s = self._connections.settings(effect).timeouts.total_s
        limit_s = wanted.timeout_s if wanted.timeout_s is not None else total_s
        return Endpoint(transport, self._connections, self._authentication, effect), limit_s


def _fault(wanted: Wanted, error: Exception, limit_s: float | None) -> Fault:
    if limit_s is not None:
        return Fault.of("runtime", f"{wanted.shown}: no answer within {limit_s:g} s", status=_NO_ANSWER_IN_TIME)
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    said = str(error) or type(error).__name__
    return Fault.of("runtime", f"{wanted.shown}: no answer ({said})", status=_NO_ANSWER)
