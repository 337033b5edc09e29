"""`call: grpc`: one call of a method, its messages given and shown as JSON.

Invariants: nothing of gRPC is imported before a call or a check needs it; a status other than OK is a fault that names
the method, the server and what the server said.
Source: dsl-reference.md, "gRPC Call".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from flowrt.core.effect import Effect, Json, Outcome
from flowrt.core.fault import Faulted
from flowrt.effects.auth import Authentication, Signed
from flowrt.effects.client import Clients, Request
from flowrt.effects.client.faults import misconfigured
from flowrt.effects.client.identity import identity_headers
from flowrt.effects.grpc.arguments import DEFAULT_PORT, Wanted, read_arguments
from flowrt.effects.grpc.channels import Channels, Server
from flowrt.effects.grpc.check import problems_of
from flowrt.effects.grpc.exchange import exchange
from flowrt.effects.grpc.extra import MISSING, is_missing
from flowrt.effects.grpc.schemas import Schemas
from flowrt.effects.grpc.status import fault_of
from flowrt.effects.resources import Resources

if TYPE_CHECKING:
    from grpc.aio import Channel

    from flowrt.effects.grpc.method import Method

_GRACE_S = 0.5
"""How much later than the task's timeout the server's deadline is: the timeout itself, at its own task, comes first."""


@dataclass(frozen=True, slots=True)
class _Line:
    """An open line to the server: what travels beside the messages, and for how long."""

    channel: Channel
    metadata: Sequence[tuple[str, str]]
    timeout_s: float | None


class GrpcCall:
    """The adapter of kind `grpc`.

    Arguments: `{"proto"?: {"endpoint"}, "service": {"name", "host", "port"?, "authentication"?}, "method",
    "arguments"?, "options"?: {"tls"?}}`, all evaluated. Without `proto`, or with the endpoint `grpc+reflection:`, the
    server describes its services itself. The output is the reply, or the array of replies of a method that streams.

    TLS is used on port 443 (the default), with `options.tls`, with a client certificate, and for the servers that
    match one of `tls_servers` (`fnmatch` patterns of `host:port`).
    """

    kind = "grpc"

    def __init__(
        self,
        clients: Clients,
        authentication: Authentication,
        resources: Resources,
        *,
        tls_servers: Sequence[str] = (),
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._clients = clients
        self._authentication = authentication
        self._tls_servers = tls_servers
        self._wall_clock = wall_clock
        self._channels = Channels()
        self._schemas = Schemas(resources)

    async def run(self, effect: Effect) -> Outcome:
        """Raises `communication`, `authentication` or `authorization` by the call's status; `configuration` for a
        service or method that does not exist, `validation` for arguments that do not fit."""
        if is_missing():
            raise misconfigured(MISSING)
        from grpc.aio import AioRpcError

        wanted = read_arguments(effect.arguments)
        signed = await self._signed(wanted, effect)
        try:
            line = await self._open(wanted, signed, effect)
            method = await self._method(wanted, line, effect)
            requests = method.requests(wanted.arguments)
            replies = await exchange(line.channel, method, requests, line.metadata, line.timeout_s)
        except AioRpcError as error:
            fault = fault_of(error, f"{wanted.service}/{wanted.method}", wanted.address)
            raise Faulted(fault) from error
        output = [method.to_json(reply) for reply in replies]
        return Outcome(output if method.gives_stream else output[0], signed.authorization)

    async def check(self, arguments: Json, base_uri: str | None) -> Sequence[str]:
        """A missing extra; and with a local proto file, its errors, the service, the method and the arguments."""
        if is_missing():
            return [MISSING]
        return await problems_of(arguments, self._schemas, base_uri)

    async def close(self) -> None:
        await self._channels.close()

    async def _signed(self, wanted: Wanted, effect: Effect) -> Signed:
        """Credentials as HTTP headers, which is what gRPC metadata is."""
        url = f"https://{wanted.address}/{wanted.service}/{wanted.method}"
        request = Request("POST", url, identity_headers(effect))
        return await self._authentication.sign(request, wanted.authentication, effect)

    async def _open(self, wanted: Wanted, signed: Signed, effect: Effect) -> _Line:
        certificate = signed.request.certificate
        tls = wanted.tls
        if tls is None:
            listed = any(fnmatchcase(wanted.address, pattern) for pattern in self._tls_servers)
            tls = listed or certificate is not None or wanted.port == DEFAULT_PORT
        settings = self._clients.settings(effect)
        channel = await self._channels.channel(Server(wanted.host, wanted.port, tls, certificate), settings)
        metadata = [(name.lower(), value) for name, value in signed.request.headers]
        return _Line(channel, metadata, self._timeout_s(effect, settings.timeouts.total_s))

    def _timeout_s(self, effect: Effect, longest_s: float | None) -> float | None:
        if effect.deadline_at is None:
            return longest_s
        left_s = max(0.0, effect.deadline_at - self._wall_clock()) + _GRACE_S
        return left_s if longest_s is None else min(left_s, longest_s)

    async def _method(self, wanted: Wanted, line: _Line, effect: Effect) -> Method:
        proto = wanted.proto
        if proto is None:
            return await self._schemas.of_server(
                line.channel, wanted.service, wanted.method, line.metadata, line.timeout_s
            )
        schema = await self._schemas.of_resource(proto.uri, proto.authentication, effect.base_uri, effect)
        return schema.method(wanted.service, wanted.method)
