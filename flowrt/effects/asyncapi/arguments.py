"""The arguments of `call: asyncapi` as values.

Invariant: what cannot be called is refused here, with the name of the argument.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flowrt.core.effect import Json
from flowrt.effects.client.faults import misconfigured


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a subscription has come, as its task says."""

    iteration: int
    """Of the task; with its attempt, which run of it this is."""
    received: int
    last: str | None
    """The delivery that is now durable in the instance."""
    ends: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to do, and on what. Exactly one of `channel` and `operation`, and of `message` and `progress`, is set."""

    document: str
    document_policy: Json
    channel: str | None
    operation: str | None
    server: str | None
    variables: Mapping[str, Any]
    protocol: str | None
    message: Mapping[str, Any] | None
    progress: Progress | None
    authentication: Json


def read_arguments(given: Mapping[str, Any]) -> Wanted:
    """Raises `configuration`/400."""
    document, policy = read_document(given)
    if not isinstance(document, str) or not document:
        raise misconfigured("call: asyncapi: document.endpoint must be an address")
    server = given.get("server")
    server = {"name": server} if isinstance(server, str) else server
    if server is not None and not isinstance(server, Mapping):
        raise misconfigured("call: asyncapi: server must be an object with a name")
    message, subscription = given.get("message"), given.get("subscription")
    if (message is None) == (subscription is None):
        raise misconfigured("call: asyncapi: exactly one of message and subscription must be given")
    if message is not None and not isinstance(message, Mapping):
        raise misconfigured("call: asyncapi: message must be an object with payload and headers")
    channel, operation = _name(given, "channel"), _name(given, "operation")
    if (channel is None) == (operation is None):
        raise misconfigured("call: asyncapi: exactly one of channel and operation must be given")
    variables = (server or {}).get("variables") or {}
    if not isinstance(variables, Mapping):
        raise misconfigured("call: asyncapi: server.variables must be an object of names and values")
    return Wanted(
        document,
        policy,
        channel,
        operation,
        None if server is None else _name(server, "name"),
        variables,
        _name(given, "protocol"),
        message,
        _progress(subscription),
        given.get("authentication"),
    )


def read_document(given: Mapping[str, Any]) -> tuple[Json, Json]:
    """Address and authentication policy of the document, whatever they are."""
    document = given.get("document")
    endpoint = document.get("endpoint") if isinstance(document, Mapping) else None
    if isinstance(endpoint, Mapping):
        return endpoint.get("uri"), endpoint.get("authentication")
    return endpoint, None


def _progress(subscription: Json) -> Progress | None:
    if subscription is None:
        return None
    if not isinstance(subscription, Mapping):
        raise misconfigured("call: asyncapi: subscription must be an object")
    last = subscription.get("last")
    return Progress(
        int(subscription.get("iteration", 0)),
        int(subscription.get("received", 0)),
        last if isinstance(last, str) else None,
        bool(subscription.get("ends", False)),
    )


def _name(members: Mapping[str, Any], name: str) -> str | None:
    value = members.get(name)
    if value is not None and (not isinstance(value, str) or not value):
        raise misconfigured(f"call: asyncapi: {name} must be a name, not {value!r}")
    return value
