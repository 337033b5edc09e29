"""`call: a2a`: one JSON-RPC request to an agent, its result (of a stream, all results) as the task's output.

Invariants: requests go out through the runtime's HTTP client, not the package's, whose client hides results behind its
own model of them and knows no host rules; the package gives the types, the agent card and the versions. Every failure
is a `runtime` fault, as the specification wants it.
Source: dsl-reference.md, "A2A Call".
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from urllib.parse import urljoin

import orjson

from flowrt.core.effect import Effect, Json, Outcome
from flowrt.core.fault import PREFIX, Fault, Faulted
from flowrt.effects.a2a.answer import Failure, results_of
from flowrt.effects.a2a.arguments import (
    STREAMING,
    Endpoint,
    Wanted,
    checked_parameters,
    problems_of,
    read_arguments,
    read_endpoint,
)
from flowrt.effects.a2a.card import WELL_KNOWN, Agent, load_agent
from flowrt.effects.a2a.dialect import V03
from flowrt.effects.a2a.extra import MISSING, is_missing
from flowrt.effects.auth import Authentication, policy_problems
from flowrt.effects.client import Request
from flowrt.effects.client.faults import misconfigured
from flowrt.effects.client.identity import identity_headers
from flowrt.effects.client.messages import shown_url
from flowrt.effects.resources import Resources

_NOT_THERE = (404, 405)
_METHOD_NOT_FOUND = -32601
_MOST_CARDS = 1024


class A2aCall:
    """The adapter of kind `a2a`.

    Arguments: `{"method", "parameters"?, "agentCard"?: {"endpoint"}, "server"?: endpoint}`, all evaluated. The output
    is the JSON-RPC result, of the methods that stream the array of all results.

    A `server` is sent the request itself. Only if it has no such method, or nothing at that address, its agent card
    is looked for, and the request goes where the card says, in the version that it names.
    """

    kind = "a2a"

    def __init__(self, authentication: Authentication, resources: Resources) -> None:
        self._authentication = authentication
        self._resources = resources
        self._cards: OrderedDict[str, str] = OrderedDict()
        """Of servers that were found by their card: its address."""

    async def run(self, effect: Effect) -> Outcome:
        """Raises `runtime` with the HTTP status, 500 for an error of the agent; `configuration` and `validation` for
        arguments that cannot be used."""
        if is_missing():
            raise misconfigured(MISSING)
        wanted = read_arguments(effect.arguments, effect.idempotency_key)
        try:
            return await self._ask(wanted, effect)
        except Faulted as error:
            if error.fault.type == PREFIX + "configuration":
                raise
            fault = Fault.of("runtime", f"a2a {wanted.method}: {error}", status=error.fault.status)
            raise Faulted(fault) from error

    async def check(self, arguments: Json, base_uri: str | None) -> Sequence[str]:
        """A missing extra; wrong methods, parameters, addresses and policies that are written out."""
        if is_missing():
            return [MISSING]
        problems = [*problems_of(arguments), *checked_parameters(arguments)]
        for name, pointer in (("agentCard", "/agentCard/endpoint"), ("server", "/server")):
            endpoint = read_endpoint(arguments, name)
            policy = policy_problems(endpoint.policy) if endpoint else ()
            problems += (f"{pointer}/authentication{problem}" for problem in policy)
        return problems

    async def close(self) -> None:
        """Nothing of its own: connections belong to `Clients`."""

    async def _ask(self, wanted: Wanted, effect: Effect) -> Outcome:
        if wanted.card is not None:
            agent = await self._agent(wanted, wanted.card.uri, wanted.card.policy, effect)
            return _outcome(wanted, agent, *await self._send(wanted, agent, effect))
        assert wanted.server is not None  # one of the two is there, or the arguments were refused
        known = self._cards.get(wanted.server.uri)
        if known is not None:
            agent = await self._agent(wanted, known, wanted.server.policy, effect)
        else:
            agent = Agent(wanted.server.uri, V03)
        answer, authorization = await self._send(wanted, agent, effect)
        if known is None and isinstance(answer, Failure) and _is_elsewhere(answer):
            found = await self._found(wanted, wanted.server, effect)
            if found is not None and (found.url, found.dialect) != (agent.url, agent.dialect):
                agent = found
                answer, authorization = await self._send(wanted, agent, effect)
        return _outcome(wanted, agent, answer, authorization)

    async def _found(self, wanted: Wanted, server: Endpoint, effect: Effect) -> Agent | None:
        """The agent of the card that lies below the server's address or at the root of its host."""
        below = urljoin(server.uri.rstrip("/") + "/", WELL_KNOWN)
        for uri in dict.fromkeys((below, urljoin(server.uri, f"/{WELL_KNOWN}"))):
            try:
                agent = await self._agent(wanted, uri, server.policy, effect)
            except Faulted:
                continue  # what the server said first is the better reason
            self._cards[server.uri] = uri
            if len(self._cards) > _MOST_CARDS:
                self._cards.popitem(last=False)
            return agent
        return None

    async def _agent(self, wanted: Wanted, uri: str, policy: Json, effect: Effect) -> Agent:
        return await load_agent(self._resources, uri, policy, effect.base_uri, effect, wanted.method)

    async def _send(
        self, wanted: Wanted, agent: Agent, effect: Effect
    ) -> tuple[list[Json] | Failure, dict[str, str] | None]:
        method, parameters = agent.dialect.request(wanted.method, wanted.parameters)
        body = {"jsonrpc": "2.0", "id": effect.idempotency_key, "method": method}
        if parameters is not None:
            body["params"] = parameters
        accepted = "text/event-stream" if wanted.method in STREAMING else "application/json"
        headers = (
            ("Accept", accepted),
            ("Content-Type", "application/json"),
            ("A2A-Version", agent.dialect.version),
            *identity_headers(effect),
        )
        request, policy = agent.with_credentials(Request("POST", agent.url, headers, orjson.dumps(body)), wanted.policy)
        answered = await self._authentication.send(request, policy, effect)
        return results_of(answered.response, streams=wanted.method in STREAMING), answered.authorization


def _is_elsewhere(failure: Failure) -> bool:
    return failure.code == _METHOD_NOT_FOUND or (failure.code is None and failure.status in _NOT_THERE)


def _outcome(
    wanted: Wanted, agent: Agent, answer: list[Json] | Failure, authorization: dict[str, str] | None
) -> Outcome:
    where = shown_url(agent.url)
    if isinstance(answer, Failure):
        raise Faulted(Fault.of("runtime", f"{where}: {answer.said}", status=answer.status))
    try:
        results = [agent.dialect.result(wanted.method, result) for result in answer]
    except ValueError as error:
        raise Faulted(Fault.of("runtime", f"{where}: the result breaks the protocol: {error}", status=502)) from error
    return Outcome(results if wanted.method in STREAMING else results[0], authorization)
