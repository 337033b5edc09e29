"""Target: what a call comes to, by its document: a server, a channel with its address, and how messages look there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flowrt.core.effect import Json
from flowrt.core.fault import Fault, Faulted
from flowrt.effects.client.encoding import header_pairs

from .arguments import Wanted
from .broker import Channel, Node, Server
from .credentials import Credentials
from .document import AsyncDocument
from .message import content_type_of, located
from .operation import Described, describe, fill, parameters_in
from .schema import choose_message
from .servers import bindings_of, choose_server, read_server


@dataclass(frozen=True, slots=True)
class Target:
    """`correlation` is where the messages keep their correlation id; `credentials` are those of the address."""

    server: Server
    credentials: Credentials
    channel: Channel
    content_type: str
    correlation: str | None


def find_target(document: AsyncDocument, wanted: Wanted) -> Target:
    """Raises `configuration`/400 for what the document does not have, `validation`/400 for a message that does not fit
    it and for a channel parameter without a value."""
    try:
        return _find(document, wanted)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # Documents are written by strangers; checking every member of every node would be a second reader.
        raise document.fault(f"it is not written as AsyncAPI demands ({type(error).__name__}: {error})") from error


def _find(document: AsyncDocument, wanted: Wanted) -> Target:
    described = describe(document, wanted.channel, wanted.operation, wanted.message is not None)
    name = choose_server(document, described, wanted.server, wanted.protocol)
    server, credentials = read_server(document, described, name, wanted.variables)
    message = _message(document, described, wanted)
    channel = Channel(
        described.channel,
        _address(document, described, wanted),
        bindings_of(document, described.channel_node, server.protocol),
        bindings_of(document, described.operation_node, server.protocol),
        bindings_of(document, message, server.protocol),
    )
    correlation = document.member(message, "correlationId").get("location")
    return Target(server, credentials, channel, content_type_of(document, message), correlation)


def _message(document: AsyncDocument, described: Described, wanted: Wanted) -> Node:
    if wanted.message is None:
        return described.messages[0] if described.messages else {}
    headers = dict(header_pairs(wanted.message.get("headers")))
    return choose_message(document, described.messages, wanted.message.get("payload"), headers)


def _address(document: AsyncDocument, described: Described, wanted: Wanted) -> str:
    names = parameters_in(described.address)
    return fill(described.address, {name: _parameter(document, described, wanted, name) for name in names})


def _parameter(document: AsyncDocument, described: Described, wanted: Wanted, name: str) -> Json:
    """From the channel's name as it was given, `server.variables`, the message, or the document's default."""
    node = document.member(described.parameters, name)
    value: Json = described.given.get(name, wanted.variables.get(name))
    location = node.get("location")
    if value is None and wanted.message is not None and isinstance(location, str):
        headers: Mapping[str, Any] = dict(header_pairs(wanted.message.get("headers")))
        value = located(location, wanted.message.get("payload"), headers)
    if value is None:
        value = node.get("default", document.member(node, "schema").get("default"))
    if value is None:
        where = f" (the message has none at {location})" if location and wanted.message is not None else ""
        detail = f"The parameter {name!r} of channel {described.channel!r} has no value{where}."
        raise Faulted(Fault.of("validation", detail))
    return value
