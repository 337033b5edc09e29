"""Reach: whether a broker may be talked to, by the HTTP client's rules about hosts."""

from __future__ import annotations

import asyncio
import socket

from flowrt.core.fault import Fault, Faulted
from flowrt.effects.client import ClientSettings
from flowrt.effects.client.hosts import HostRules

from .broker import Server


async def check_host(server: Server, settings: ClientSettings) -> None:
    """Raises `authorization`/403 for a host that is off limits, `communication`/503 for one that has no address."""
    rules = HostRules(settings.hosts)
    rules.check_name(server.host)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        detail = f"{server.shown}: looking up {server.host}: {error}"
        raise Faulted(Fault.of("communication", detail, status=503, title="Service Unavailable")) from error
    for entry in found:
        rules.check_address(server.host, str(entry[4][0]))
