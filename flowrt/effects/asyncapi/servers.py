"""Servers: which server of a document to use, and where it is once its variables are filled in.

Source: dsl-reference.md, "AsyncAPI Call", "AsyncAPI Server".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from .broker import NOTHING, Node, Server
from .credentials import Credentials
from .document import AsyncDocument
from .operation import Described, fill, parameters_in
from .protocols import SPELLINGS

_PORTS = {
    "amqp": (5672, 5671),
    "http": (80, 443),
    "kafka": (9092, 9093),
    "mqtt": (1883, 8883),
    "mqtt5": (1883, 8883),
    "nats": (4222, 4222),
    "pulsar": (6650, 6651),
    "redis": (6379, 6379),
    "ws": (80, 443),
}
"""Usual ports without and with TLS."""


def choose_server(document: AsyncDocument, described: Described, name: str | None, protocol: str | None) -> str:
    """By name; else the first of the channel's that speaks `protocol`; else its first."""
    if name is not None:
        if name not in document.section("servers"):
            raise document.unknown("server", name, document.section("servers"))
        return name
    if not described.servers:
        raise document.fault(f"there is no server for channel {described.channel!r}")
    for each, node in described.servers.items():
        if protocol is None or _speaks(node, protocol):
            return each
    spoken = ", ".join(f"{each} ({node.get('protocol')})" for each, node in described.servers.items())
    raise document.fault(f"no server of channel {described.channel!r} speaks {protocol!r}; there are: {spoken}")


def read_server(
    document: AsyncDocument, described: Described, name: str, variables: Mapping[str, Any]
) -> tuple[Server, Credentials]:
    """The server, and the credentials that its address holds. Raises `configuration`/400 for a variable that is
    missing or not allowed."""
    node = described.servers.get(name) or document.member(document.section("servers"), name)
    protocol, tls = protocol_of(node)
    written = _written(document, node, name)
    address = fill(written, _values(document, node, name, written, variables))
    scheme, separator, _ = address.partition("://")
    parts = urlsplit(address if separator else f"{protocol}://{address}")
    if separator and scheme.lower() in SPELLINGS:
        tls = tls or SPELLINGS[scheme.lower()][1]
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host:
        raise document.fault(f"server {name!r} has no usable address: {address!r}")
    usual = _PORTS.get(protocol, (0, 0))[tls]
    server = Server(
        name,
        protocol,
        host,
        port or usual,
        parts.path.rstrip("/"),
        tls,
        tuple(_security(document, node)),
        bindings_of(document, node, protocol),
    )
    password = unquote(parts.password) if parts.password is not None else None
    return server, Credentials(unquote(parts.username) if parts.username else None, password)


def protocol_of(node: Node) -> tuple[str, bool]:
    """The protocol of a server as `PROTOCOLS` has it, and whether it means TLS."""
    word = str(node.get("protocol", "")).lower()
    protocol, tls = SPELLINGS.get(word, (word, False))
    if protocol == "mqtt" and str(node.get("protocolVersion", "")).startswith("5"):
        protocol = "mqtt5"
    return protocol, tls


def bindings_of(document: AsyncDocument, node: Node, protocol: str) -> Node:
    """What a node binds to a protocol."""
    bindings = document.member(node, "bindings")
    words = [protocol, *(word for word, (meant, _) in SPELLINGS.items() if meant == protocol)]
    if protocol == "mqtt5":
        words.append("mqtt")
    return next((document.member(bindings, word) for word in words if word in bindings), NOTHING)


def _speaks(node: Node, protocol: str) -> bool:
    spoken, _ = protocol_of(node)
    return spoken == protocol or (protocol == "mqtt" and spoken == "mqtt5")


def _written(document: AsyncDocument, node: Node, name: str) -> str:
    """The address as the document has it: `url` in version 2, `host` and `pathname` in 3."""
    written = node.get("url") if document.version == 2 else node.get("host")
    if not isinstance(written, str) or not written:
        raise document.fault(f"server {name!r} has no {'url' if document.version == 2 else 'host'}")
    return written if document.version == 2 else f"{written}{node.get('pathname') or ''}"


def _values(document: AsyncDocument, node: Node, name: str, written: str, given: Mapping[str, Any]) -> dict[str, Any]:
    variables, values = document.member(node, "variables"), dict[str, Any]()
    for variable in parameters_in(written):
        described = document.member(variables, variable)
        value = given.get(variable, described.get("default"))
        if value is None:
            raise document.fault(f"server {name!r} needs the variable {variable!r} (server.variables.{variable})")
        allowed = described.get("enum")
        if allowed and value not in allowed:
            shown = ", ".join(map(str, allowed))
            raise document.fault(f"variable {variable!r} of server {name!r} may be {shown}, not {value!r}")
        values[variable] = value
    return values


def _security(document: AsyncDocument, node: Node) -> list[str]:
    """The types of its security schemes: by name in version 2, by reference in 3."""
    schemes = document.section("components", "securitySchemes")
    found: list[Node] = []
    for requirement in node.get("security") or ():
        if document.version == 2:
            found += [document.member(schemes, name) for name in requirement]
        else:
            found.append(document.resolved(requirement))
    return [str(scheme.get("type")) for scheme in found if scheme]
