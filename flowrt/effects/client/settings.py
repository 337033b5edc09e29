"""What an operator sets for HTTP: plain values, read from the configuration elsewhere.

Invariant: a value of these classes never changes, so clients are built from it once and shared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from types import MappingProxyType


@cache
def default_user_agent() -> str:
    """`flowrt/<version>`, or `flowrt` when it runs from a checkout that is not installed."""
    try:
        return f"flowrt/{version('flowrt')}"
    except PackageNotFoundError:
        return "flowrt"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds; None means no limit. A limit that is reached is `communication`/504."""

    connect_s: float | None = 10.0
    read_s: float | None = 60.0
    """Longest silence while reading or writing."""
    total_s: float | None = 300.0
    """The whole call: redirects, retries and their delays."""


@dataclass(frozen=True, slots=True)
class Pool:
    """How many connections to keep, per client and event loop."""

    max_connections: int = 100
    max_idle: int = 20
    idle_s: float = 15.0


@dataclass(frozen=True, slots=True)
class Tls:
    """Whom to trust and who we are. Paths of PEM files."""

    verify: bool = True
    ca_file: str | None = None
    """Trusted instead of the system's certificates."""
    cert_file: str | None = None
    key_file: str | None = None
    key_password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Retries:
    """Repetitions of idempotent calls that got no answer or 429, 502, 503, 504: `backoff_s`, twice that, …"""

    count: int = 0
    backoff_s: float = 0.5
    max_delay_s: float = 30.0
    """A `Retry-After` beyond it ends the retries."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """Per host: after `failures` in a row nothing is sent for `reset_s`, then one call tries. 0 is off."""

    failures: int = 0
    reset_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Hosts:
    """Which hosts may be called, as `fnmatch` patterns on the name or the address."""

    allow: tuple[str, ...] = ()
    """Empty means every host."""
    deny: tuple[str, ...] = ()
    deny_link_local: bool = True
    """Refuses link-local and cloud-metadata addresses, looked at after DNS."""


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """One client's settings."""

    timeouts: Timeouts = Timeouts()
    pool: Pool = Pool()
    tls: Tls = Tls()
    retries: Retries = Retries()
    breaker: Breaker = Breaker()
    hosts: Hosts = Hosts()
    http2: bool = False
    proxy: str | None = field(default=None, repr=False)
    """URL of an `http`, `https` or `socks5` proxy; it may hold credentials."""
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False, hash=False)
    """Sent unless the call sets them."""
    user_agent: str = field(default_factory=default_user_agent)
    max_redirects: int = 10
    """For documents and tokens; a workflow's own calls never follow redirects."""
    max_response_bytes: int = 16 * 1024 * 1024
    """After decompression."""
