"""The connections to MCP servers over HTTP, shared by all calls that use the same client and certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowrt.core.effect import Effect
from flowrt.effects.client import ClientCertificate, Clients, ClientSettings

if TYPE_CHECKING:
    from flowrt.effects.client.transport import Transport


class Connections:
    """Belongs to one event loop."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._transports: dict[tuple[ClientSettings, ClientCertificate | None], Transport] = {}

    def settings(self, effect: Effect) -> ClientSettings:
        return self._clients.settings(effect)

    def transport(self, effect: Effect, certificate: ClientCertificate | None) -> Transport:
        """Raises `configuration`/400 for certificates that cannot be used."""
        from flowrt.effects.client.transport import Transport

        key = (self.settings(effect), certificate)
        if key not in self._transports:
            self._transports[key] = Transport(*key)
        return self._transports[key]

    async def close(self) -> None:
        transports = list(self._transports.values())
        self._transports.clear()
        for transport in transports:
            await transport.aclose()
