"""The arguments of `call: grpc` as values.

Invariant: what cannot be called is refused here, with the name of the argument.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flowrt.core.effect import Json
from flowrt.effects.client.faults import misconfigured

DEFAULT_PORT = 443
"""gRPC's own, and the one that means TLS."""
_REFLECTION = "grpc+reflection:"
"""As `proto.endpoint`: the server is asked."""


@dataclass(frozen=True, slots=True)
class Proto:
    """The proto resource."""

    uri: str
    authentication: Json = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to call, and where. `proto` None: the server describes its services itself."""

    proto: Proto | None
    service: str
    host: str
    port: int
    tls: bool | None
    authentication: Json
    method: str
    arguments: Json

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"


def read_arguments(given: Mapping[str, Any]) -> Wanted:
    """Raises `configuration`/400."""
    service = given.get("service")
    if not isinstance(service, Mapping):
        raise misconfigured("call: grpc: service must be an object with name and host")
    port = service.get("port", DEFAULT_PORT)
    if not isinstance(port, int) or not 0 < port < 65536:
        raise misconfigured(f"call: grpc: service.port must be a port number, not {port!r}")
    options = given.get("options")
    return Wanted(
        read_proto(given),
        _text(service, "name", "service.name"),
        _text(service, "host", "service.host"),
        port,
        options.get("tls") if isinstance(options, Mapping) else None,
        service.get("authentication"),
        _text(given, "method", "method"),
        given.get("arguments"),
    )


def read_proto(given: Mapping[str, Any]) -> Proto | None:
    """The proto resource, if one is named."""
    proto = given.get("proto")
    endpoint = proto.get("endpoint") if isinstance(proto, Mapping) else proto
    uri, authentication = endpoint, None
    if isinstance(endpoint, Mapping):
        uri, authentication = endpoint.get("uri"), endpoint.get("authentication")
    if uri is None:
        return None
    if not isinstance(uri, str):
        raise misconfigured("call: grpc: proto.endpoint must be an address")
    return None if uri.startswith(_REFLECTION) else Proto(uri, authentication)


def _text(members: Mapping[str, Any], name: str, where: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not value:
        raise misconfigured(f"call: grpc: {where} must be a name, not {value!r}")
    return value
