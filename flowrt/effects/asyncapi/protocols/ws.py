"""WebSocket: one frame is one message; headers go with the handshake. No acknowledgements.

Invariant: the rules about hosts hold: the address was looked at before, and redirects are not followed.
"""

from __future__ import annotations

from contextlib import suppress

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException

from flowrt.core.fault import Fault, Faulted
from flowrt.effects.asyncapi.bindings import constant, inner
from flowrt.effects.asyncapi.broker import Access, Channel, Incoming, Outgoing
from flowrt.effects.asyncapi.faults import denied, reported
from flowrt.effects.client import Request
from flowrt.effects.client.encoding import with_query
from flowrt.effects.client.identity import identity_headers
from flowrt.effects.client.messages import Headers
from flowrt.effects.client.tls import tls_context

_UNAUTHORIZED, _FORBIDDEN = 401, 403


class WebSocketBroker:
    """A connection for each message, and for each subscription."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def publish(self, channel: Channel, message: Outgoing) -> None:
        connection = await self._connected(channel, (*message.identity, *message.headers))
        with reported(self._access, WebSocketException):
            try:
                await connection.send(message.payload, text=True)
            finally:
                await connection.close()

    async def subscribe(self, channel: Channel, name: str, last: str | None) -> _Frames:
        identity = identity_headers(self._access.caller.effect)
        return _Frames(self._access, await self._connected(channel, identity))

    async def close(self) -> None:
        """Its connections are closed by those who use them."""

    async def _connected(self, channel: Channel, headers: Headers) -> ClientConnection:
        access, settings = self._access, self._access.settings
        scheme = "wss" if access.server.tls else "ws"
        path = f"{access.server.path}/{channel.address.lstrip('/')}"
        described = inner(inner(channel.bindings, "query"), "properties")
        query = {name: value for name, schema in described.items() if (value := constant(schema)) is not None}
        url = with_query(f"{scheme}://{access.server.address}{path}", query)
        signed = (await access.caller.sign(Request("GET", url, headers))).request
        tls = tls_context(settings.tls, signed.certificate) if access.server.tls else None
        with reported(access, WebSocketException):
            opening = _Handshake(
                url,
                ssl=tls,
                additional_headers=[*settings.headers.items(), *signed.headers],
                user_agent_header=settings.user_agent,
                open_timeout=access.connect_s,
                max_size=settings.max_response_bytes,
                proxy=settings.proxy,
            )
            try:
                return await opening
            except InvalidStatus as error:
                status = error.response.status_code
                if status in (_UNAUTHORIZED, _FORBIDDEN):
                    raise denied(access, f"the handshake was answered with {status}") from error
                detail = f"{access.server.shown}: the handshake was answered with {status}"
                raise Faulted(Fault.of("communication", detail, status=status)) from error


class _Handshake(connect):
    """A handshake whose redirects are not followed: they could lead to hosts that nobody looked at."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class _Frames:
    def __init__(self, access: Access, connection: ClientConnection) -> None:
        self._access, self._connection = access, connection

    async def receive(self) -> Incoming:
        with reported(self._access, WebSocketException):
            frame = await self._connection.recv()
        return Incoming(frame.encode() if isinstance(frame, str) else frame, {})

    async def acknowledge(self, message: Incoming) -> None:
        """There is nothing to tell."""

    async def close(self, forget: bool) -> None:
        with suppress(WebSocketException, OSError):
            await self._connection.close()
