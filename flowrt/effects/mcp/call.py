"""`call: mcp`: one request to a Model Context Protocol server, its result as the task's output.

Invariants: every call has a session of its own, which ends with it, also when it is cancelled; nothing of the package
is imported before a call needs it; every failure is a `runtime` fault, as the specification wants it.
Source: dsl-reference.md, "MCP Call".
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

from flowrt.core.effect import Effect, Json, Outcome
from flowrt.core.fault import Fault, Faulted
from flowrt.effects.auth import Authentication, policy_problems
from flowrt.effects.client import Clients
from flowrt.effects.client.faults import misconfigured
from flowrt.effects.mcp.arguments import Http, Stdio, Wanted, endpoint_policy, problems_of, read_arguments
from flowrt.effects.mcp.connections import Connections
from flowrt.effects.mcp.extra import MISSING, is_missing
from flowrt.effects.mcp.session import converse
from flowrt.effects.mcp.stdio import Process
from flowrt.effects.mcp.streamable import Endpoint

_NO_ANSWER, _NO_ANSWER_IN_TIME = 503, 504


class McpCall:
    """The adapter of kind `mcp`.

    Arguments: `{"method", "parameters"?, "transport": {"http": {"endpoint", "headers"?}} or {"stdio": {"command",
    "arguments"?, "environment"?}}, "protocolVersion"?, "timeout"?, "client"?: {"name", "version"}}`, all evaluated.
    The output is the JSON-RPC result; a list is followed to its end unless `parameters.cursor` asks for one page.

    `stdio_commands`: the programs that may be started as servers; None: all.
    """

    kind = "mcp"

    def __init__(
        self, clients: Clients, authentication: Authentication, *, stdio_commands: Collection[str] | None = None
    ) -> None:
        self._authentication = authentication
        self._connections = Connections(clients)
        self._stdio_commands = stdio_commands
        self._running: set[asyncio.Task[Outcome]] = set()

    async def run(self, effect: Effect) -> Outcome:
        """Raises `runtime`/500 for an error of the server or a tool, /503 without an answer, /504 after `timeout`, or
        with the HTTP status; `configuration` for arguments that cannot be used."""
        if is_missing():
            raise misconfigured(MISSING)
        wanted = read_arguments(effect.arguments)
        if (problem := self._refusal(wanted.transport)) is not None:
            raise misconfigured(problem)
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
        """A missing extra; wrong methods, transports, durations and policies that are written out."""
        if is_missing():
            return [MISSING]
        problems = list(problems_of(arguments))
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

    def _refusal(self, transport: Stdio | Http) -> str | None:
        allowed = self._stdio_commands
        if allowed is None or isinstance(transport, Http) or transport.command in allowed:
            return None
        return f"call: mcp: {transport.command!r} is not among the programs that may be started as MCP servers"

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
