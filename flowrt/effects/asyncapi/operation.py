"""Described: what a document says of one operation on one channel, whichever version it is written in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .broker import NOTHING, Node
from .document import AsyncDocument

_PARAMETER = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True, slots=True)
class Described:
    """`address` still has its parameters in braces; `given` are those that the channel's name already says."""

    channel: str
    address: str
    parameters: Node
    given: Mapping[str, str]
    servers: Mapping[str, Node]
    """Those the channel is on, in order."""
    channel_node: Node
    operation_node: Node
    messages: Sequence[Node]
    """The messages it may carry."""


def describe(document: AsyncDocument, channel: str | None, operation: str | None, publishes: bool) -> Described:
    """What the document says of the operation, or the channel's own one. Raises `configuration`/400."""
    if document.version == 3:
        return _of_version_3(document, channel, operation)
    return _of_version_2(document, channel, operation, publishes)


# Version 2: a channel has a `publish` and a `subscribe` operation; `message` performs the first, as the DSL says.


def _of_version_2(document: AsyncDocument, channel: str | None, operation: str | None, publishes: bool) -> Described:
    if channel is None:
        channel, verb = _by_operation_id(document, str(operation))
        given: Mapping[str, str] = {}
    else:
        verb = "publish" if publishes else "subscribe"
        channel, given = _channel_named(document, channel)
    node = document.member(document.section("channels"), channel)
    if verb not in node:
        having = [each for each in ("publish", "subscribe") if each in node]
        does = f"it has {having[0]!r} only" if having else "it has none"
        raise document.fault(f"channel {channel!r} has no {verb!r} operation; {does}")
    operation_node = document.with_traits(document.member(node, verb))
    message = document.member(operation_node, "message")
    messages = [document.resolved(each) for each in message["oneOf"]] if "oneOf" in message else [message]
    servers = document.section("servers")
    names = [str(name) for name in node.get("servers") or servers]
    unknown = [name for name in names if name not in servers]
    if unknown:
        raise document.unknown("server", unknown[0], servers)
    return Described(
        channel,
        channel,
        document.member(node, "parameters"),
        given,
        {name: document.member(servers, name) for name in names},
        node,
        operation_node,
        [document.with_traits(each) for each in messages if each],
    )


def _by_operation_id(document: AsyncDocument, wanted: str) -> tuple[str, str]:
    known: list[str] = []
    for name in document.section("channels"):
        channel = document.member(document.section("channels"), name)
        for verb in ("publish", "subscribe"):
            id_ = document.member(channel, verb).get("operationId")
            if id_ == wanted:
                return name, verb
            known += [str(id_)] if id_ is not None else []
    raise document.unknown("operation", wanted, known)


def _channel_named(document: AsyncDocument, wanted: str) -> tuple[str, Mapping[str, str]]:
    """The channel of that name; or whose name, with values for its parameters, is that."""
    channels = document.section("channels")
    if wanted in channels:
        return wanted, {}
    for name in channels:
        parts = _PARAMETER.split(name)
        pattern = "".join(re.escape(part) if at % 2 == 0 else "([^/]+)" for at, part in enumerate(parts))
        if len(parts) > 1 and (match := re.fullmatch(pattern, wanted)) is not None:
            return name, dict(zip(parts[1::2], match.groups(), strict=True))
    raise document.unknown("channel", wanted, channels)


# Version 3: operations stand by themselves and refer to their channel and its messages.


def _of_version_3(document: AsyncDocument, channel: str | None, operation: str | None) -> Described:
    channels, operation_node = document.section("channels"), NOTHING
    if operation is not None:
        operations = document.section("operations")
        if operation not in operations:
            raise document.unknown("operation", operation, operations)
        operation_node = document.with_traits(document.member(operations, operation))
        node = document.member(operation_node, "channel")
        name = _name_in(document, channels, node) or operation
    else:
        name = str(channel)
        if name not in channels:
            raise document.unknown("channel", name, channels)
        node = document.member(channels, name)
    address = node.get("address")
    if not isinstance(address, str):
        raise document.fault(f"channel {name!r} has no address, so that nobody knows where its messages go")
    messages = operation_node.get("messages") or list(document.member(node, "messages").values())
    return Described(
        name,
        address,
        document.member(node, "parameters"),
        {},
        _servers_of_version_3(document, node),
        node,
        operation_node,
        [document.with_traits(document.resolved(each)) for each in messages],
    )


def _servers_of_version_3(document: AsyncDocument, channel: Node) -> dict[str, Node]:
    servers = document.section("servers")
    listed = channel.get("servers")
    if not listed:
        return {name: document.member(servers, name) for name in servers}
    nodes = [document.resolved(each) for each in listed]
    return {_name_in(document, servers, node) or f"server {at + 1}": node for at, node in enumerate(nodes)}


def _name_in(document: AsyncDocument, section: Node, node: Node) -> str | None:
    return next((name for name in section if document.member(section, name) is node), None)


def fill(template: str, values: Mapping[str, Any]) -> str:
    """The template with its parameters replaced. Raises `KeyError` for one without a value."""
    return _PARAMETER.sub(lambda match: str(values[match.group(1)]), template)


def parameters_in(template: str) -> list[str]:
    """The names in braces."""
    return _PARAMETER.findall(template)
