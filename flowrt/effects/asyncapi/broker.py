"""Broker: what every protocol does, publish a message and subscribe to a channel; and the values that takes.

Invariants: whatever a library raises leaves a broker as `Faulted`; a message that was not acknowledged comes again,
where the protocol has acknowledgements.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

from flowrt.core.effect import Effect, Json
from flowrt.effects.auth import Answered, Authentication, Signed
from flowrt.effects.client import ClientSettings, Request
from flowrt.effects.client.messages import Headers
from flowrt.effects.client.tls import tls_context

from .credentials import Credentials

Node = Mapping[str, Any]
NOTHING: Node = MappingProxyType({})

LEFT_FOR_S = 3600
"""How long a broker is asked to keep what belongs to a subscription that nobody is connected to."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server of a document, its variables filled in. `protocol` is a key of `PROTOCOLS`; `path` begins with `/`."""

    name: str
    protocol: str
    host: str
    port: int
    path: str
    tls: bool
    security: tuple[str, ...] = ()
    """The types of its security schemes: `userPassword`, `scramSha256`, …"""
    bindings: Node = field(default_factory=dict, hash=False)

    @property
    def address(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def shown(self) -> str:
        """`kafka server production (broker:9092)`, for messages."""
        return f"{self.protocol} server {self.name} ({self.address})"


@dataclass(frozen=True, slots=True)
class Channel:
    """Where messages go, its parameters filled in, and what the document binds to the server's protocol."""

    name: str
    address: str
    bindings: Node = field(default_factory=dict, hash=False)
    operation: Node = field(default_factory=dict, hash=False)
    """The bindings of the operation."""
    message: Node = field(default_factory=dict, hash=False)
    """The bindings of the message."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to publish, as bytes."""

    payload: bytes
    content_type: str
    headers: Headers
    """The definition's own."""
    identity: Headers
    """Ours, by which a repeated message is recognised; for protocols whose messages have headers."""
    key: str
    """The same whenever this message is published again."""
    content: Json = None
    """The payload as JSON."""

    @property
    def all_headers(self) -> dict[str, str]:
        return dict((*self.identity, *self.headers))


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message as it came."""

    payload: bytes
    headers: Mapping[str, str]
    content_type: str | None = None
    correlation_id: str | None = None
    delivery: str | None = None
    """Names it among the messages of its channel, if the protocol has such names."""
    repeated: bool = True
    """Whether it may have been delivered before."""
    receipt: Any = field(default=None, compare=False, repr=False)
    """What the protocol needs to acknowledge it."""


@dataclass(frozen=True, slots=True)
class Caller:
    """On whose behalf: for protocols that authenticate each request, as HTTP does."""

    authentication: Authentication
    policy: Json
    effect: Effect

    async def send(self, request: Request) -> Answered:
        return await self.authentication.send(request, self.policy, self.effect)

    async def sign(self, request: Request) -> Signed:
        return await self.authentication.sign(request, self.policy, self.effect)


@dataclass(frozen=True, slots=True)
class Access:
    """How to get at a server. Equal ones may share a connection."""

    server: Server
    credentials: Credentials
    settings: ClientSettings
    caller: Caller = field(compare=False, repr=False)

    def tls(self) -> ssl.SSLContext | None:
        """Raises `configuration`/400 for certificates that cannot be used."""
        return tls_context(self.settings.tls, self.credentials.certificate) if self.server.tls else None

    @property
    def connect_s(self) -> float:
        return self.settings.timeouts.connect_s or 60.0


class Subscription(Protocol):
    """An open subscription to a channel."""

    async def receive(self) -> Incoming:
        """The next message. Raises `communication` when the connection is lost."""
        ...

    async def acknowledge(self, message: Incoming) -> None:
        """It need not come again."""
        ...

    async def close(self, forget: bool) -> None:
        """Ends it. `forget`: nothing of it stays behind, unless somebody else uses it by now."""
        ...


class Broker(Protocol):
    """One server, connected to when first needed."""

    async def publish(self, channel: Channel, message: Outgoing) -> None:
        """Done once the server has the message, as far as the protocol can tell."""
        ...

    async def subscribe(self, channel: Channel, name: str, last: str | None) -> Subscription:
        """`name` is the same whenever this subscription is opened again; `last` names its last message."""
        ...

    async def close(self) -> None:
        """Releases the connection; subscriptions are closed before."""
        ...
