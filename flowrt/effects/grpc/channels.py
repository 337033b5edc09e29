"""Channels: the connections to gRPC servers, made on first use and shared by all calls.

Invariants: a channel belongs to one server, one way of trusting it and one client certificate; the HTTP client's rules
about hosts hold here, too.
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flowrt.core.fault import Fault, Faulted
from flowrt.effects.client import ClientCertificate, ClientSettings, Tls
from flowrt.effects.client.faults import misconfigured
from flowrt.effects.client.hosts import HostRules

if TYPE_CHECKING:
    from grpc import ChannelCredentials
    from grpc.aio import Channel


@dataclass(frozen=True, slots=True)
class Server:
    """Where a service is, and how to talk to it."""

    host: str
    port: int
    tls: bool
    certificate: ClientCertificate | None = None

    @property
    def target(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Channels:
    """The channels of one event loop."""

    def __init__(self) -> None:
        self._channels: dict[tuple[Server, Tls], Channel] = {}

    async def channel(self, server: Server, settings: ClientSettings) -> Channel:
        """Raises `authorization` for a host that may not be called, `configuration` for unusable certificates."""
        key = (server, settings.tls)
        if key not in self._channels:
            await _check_host(server, HostRules(settings.hosts))
        if key not in self._channels:  # nobody made it while the name was looked up
            self._channels[key] = _connect(server, settings)
        return self._channels[key]

    async def close(self) -> None:
        channels = list(self._channels.values())
        self._channels.clear()
        for channel in channels:
            await channel.close()


async def _check_host(server: Server, rules: HostRules) -> None:
    rules.check_name(server.host)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        detail = f"{server.target}: no answer (looking up {server.host}: {error})"
        raise Faulted(Fault.of("communication", detail, status=503, title="Unavailable")) from error
    for entry in found:
        rules.check_address(server.host, str(entry[4][0]))


def _connect(server: Server, settings: ClientSettings) -> Channel:
    from grpc import aio

    limit = settings.max_response_bytes
    options = (("grpc.primary_user_agent", settings.user_agent), ("grpc.max_receive_message_length", limit))
    if not server.tls:
        return aio.insecure_channel(server.target, options=options)
    return aio.secure_channel(server.target, _credentials(settings.tls, server.certificate), options=options)


def _credentials(tls: Tls, certificate: ClientCertificate | None) -> ChannelCredentials:
    import grpc

    if not tls.verify:
        raise misconfigured("call: grpc cannot leave servers unverified; give the CA of this one as tls.ca-file")
    if certificate is None and tls.cert_file is not None:
        certificate = ClientCertificate(tls.cert_file, tls.key_file, tls.key_password)
    if certificate is not None and certificate.passphrase is not None:
        raise misconfigured("call: grpc cannot read an encrypted client key; give it without a passphrase")
    return grpc.ssl_channel_credentials(
        root_certificates=_pem(tls.ca_file),
        private_key=_pem(certificate.key or certificate.certificate) if certificate else None,
        certificate_chain=_pem(certificate.certificate) if certificate else None,
    )


def _pem(text: str | None) -> bytes | None:
    """A PEM text, or the content of the file it names."""
    if text is None or "-----BEGIN" in text:
        return None if text is None else text.encode()
    try:
        return Path(text).read_bytes()
    except OSError as error:
        raise misconfigured(f"the certificate file {text} cannot be used: {error.strerror}") from error
