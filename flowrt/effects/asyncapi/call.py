"""`call: asyncapi`: publishes a message, or gives a subscription its next one.

Invariants: no protocol's library is imported before a call needs it; a subscription's connection stays open between
two messages, and what it consumed is acknowledged once the instance has it for good.
Source: dsl-reference.md, "AsyncAPI Call".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

from flowrt.core.effect import Effect, Json, Outcome
from flowrt.effects.auth import Authentication
from flowrt.effects.client import Clients
from flowrt.effects.client.faults import misconfigured
from flowrt.effects.described import Documents
from flowrt.effects.resources import Resources

from .arguments import Progress, Wanted, read_arguments
from .broker import Access, Caller
from .brokers import Brokers
from .check import no_headers, problems_of
from .credentials import Credentials, credentials_of
from .document import AsyncDocument
from .message import outgoing, shown, to_json
from .protocols import PROTOCOLS, problem_of
from .reach import check_host
from .sessions import Patience, Sessions
from .target import Target, find_target


class AsyncapiCall:
    """The adapter of kind `asyncapi`.

    Arguments: `{"document": {"endpoint"}, "channel" | "operation", "server"?: {"name", "variables"?}, "protocol"?,
    "message": {"payload"?, "headers"?} | "subscription": {"iteration", "received", "last", "ends"?},
    "authentication"?}`, all evaluated. The output is the message as it was sent, or the next one of the subscription:
    `{"payload", "headers", "correlationId"?, "delivery"?}`.
    """

    kind = "asyncapi"

    def __init__(
        self,
        clients: Clients,
        authentication: Authentication,
        resources: Resources,
        *,
        patience: Patience | None = None,
    ) -> None:
        self._clients = clients
        self._authentication = authentication
        self._documents = Documents(AsyncDocument, resources)
        self._brokers = Brokers()
        self._sessions = Sessions(patience)

    @property
    def subscriptions(self) -> int:
        """How many are open on their servers right now."""
        return self._sessions.open

    async def run(self, effect: Effect) -> Outcome:
        """Raises `communication` for a server that cannot be reached or does not take the message, `authentication`
        for one that does not let us in, `validation` for a message that does not fit the document, `configuration`
        for a document that is wrong or does not have what is wanted."""
        wanted = read_arguments(effect.arguments)
        document = await self._documents.load(wanted.document, wanted.document_policy, effect.base_uri, effect)
        target = find_target(document, wanted)
        access, authorization = await self._access(target, wanted, effect)
        if wanted.progress is not None:
            return Outcome(await self._receive(target, access, wanted.progress, effect), authorization)
        message = outgoing(wanted.message or {}, target.content_type, effect)
        if message.headers and not PROTOCOLS[target.server.protocol].headers:
            raise misconfigured(no_headers(target.server.protocol))
        await self._brokers.publish(access, target.channel, message)
        return Outcome(shown(message), authorization)

    async def check(self, arguments: Json, base_uri: str | None) -> Sequence[str]:
        """A protocol that is not supported or lacks its extra; and if the document can be read now: an operation,
        channel, server or variable that it does not have, a message that does not fit it."""
        return await problems_of(arguments, self._documents, base_uri)

    async def close(self) -> None:
        """Disconnects. What brokers keep for open subscriptions is kept for the next process."""
        await self._sessions.close()
        await self._brokers.close()

    async def _receive(self, target: Target, access: Access, progress: Progress, effect: Effect) -> Json:
        name = session_name(effect, progress)
        if progress.ends:
            await self._sessions.end(name, access, target.channel, progress)
            return None
        message = await self._sessions.receive(name, access, target.channel, progress)
        return to_json(message, target.content_type, target.correlation)

    async def _access(self, target: Target, wanted: Wanted, effect: Effect) -> tuple[Access, dict[str, str] | None]:
        protocol, settings = target.server.protocol, self._clients.settings(effect)
        if (problem := problem_of(protocol)) is not None:
            raise misconfigured(problem)
        caller = Caller(self._authentication, wanted.authentication, effect)
        await check_host(target.server, settings)
        if not PROTOCOLS[protocol].connected:
            return Access(target.server, Credentials(), settings, caller), None
        credentials, authorization = await credentials_of(
            self._authentication, wanted.authentication, target.server.address, effect
        )
        return Access(target.server, _or_of_address(credentials, target), settings, caller), authorization


def session_name(effect: Effect, progress: Progress) -> str:
    """The same for every message of one run of a subscription, in every process; brokers know it by this name."""
    run = f"{effect.instance}{effect.position}/{progress.iteration}/{effect.attempt}"
    return f"flowrt-{sha256(run.encode()).hexdigest()[:16]}"


def _or_of_address(credentials: Credentials, target: Target) -> Credentials:
    """What the policy gives, or else what the server's address holds."""
    of_address = target.credentials
    if credentials.username is not None or credentials.token is not None or of_address.username is None:
        return credentials
    return replace(of_address, certificate=credentials.certificate)
