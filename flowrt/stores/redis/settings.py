"""RedisSettings: where the server is, how to enter it, and how many connections to keep.

A URL says the same in one line: `redis://user:password@host:6379/0?timeout=2000&maxTotal=16`, with `rediss://` for TLS.
`valkey://` and `valkeys://` mean the same. `?cluster=true` says that the host is a node of a cluster;
`redis://one:26379,two:26379/0?sentinel=mymaster` names sentinels and the service they watch.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from flowrt.stores.codec import COMPRESSIONS
from flowrt.stores.protocol import StoreRefused

_SCHEMES = {"redis": False, "valkey": False, "rediss": True, "valkeys": True}
_NUMBERS = {
    "timeout": "timeout_ms",
    "maxTotal": "max_total",
    "maxIdle": "max_idle",
    "minIdle": "min_idle",
    "replicas": "replicas",
}
_TEXTS = {"sentinel": "sentinel_master", "ca": "ca", "ssl_ca_certs": "ca", "compression": "compression"}
_SWITCHES = {"cluster": "cluster", "requireDurable": "require_durable"}
_OPTIONS = (*_NUMBERS, *_TEXTS, *_SWITCHES)


@dataclass(frozen=True, slots=True)
class RedisSettings:
    """One server, a cluster, or sentinels that name the server."""

    host: str = "localhost"
    port: int = 6379
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    database: int = 0
    timeout_ms: int = 2000
    """How long to wait for a connection, and for an answer."""
    ssl: bool = False
    ca: str | None = None
    """File with the certificates of the authorities to trust; None: the system's."""
    sentinels: tuple[tuple[str, int], ...] = ()
    sentinel_master: str = "mymaster"
    cluster: bool = False
    max_total: int = -1
    """Connections at once; below one: no limit."""
    max_idle: int = 8
    """Idle connections that are kept; below zero: all of them."""
    min_idle: int = 0
    """Connections made at start."""
    replicas: int = 0
    """How many replicas must have a write before it counts, so that it survives a failover."""
    compression: str = "none"
    require_durable: bool = False
    """Refuse a server that would lose what it has acknowledged."""

    def __post_init__(self) -> None:
        if not self.host.strip():
            raise StoreRefused("the host of the Redis store is blank")
        for host, port in (*self.sentinels, (self.host, self.port)):
            if not 1 <= port <= 65535:
                raise StoreRefused(f"the port of the Redis store must be from 1 to 65535, that of {host} is {port}")
        if self.timeout_ms < 1:
            raise StoreRefused(f"the timeout of the Redis store must be at least 1 ms, it is {self.timeout_ms}")
        if self.cluster and self.database:
            raise StoreRefused(f"a Redis Cluster has only database 0, not {self.database}")
        if self.compression not in COMPRESSIONS:
            raise StoreRefused(f"compression '{self.compression}' is unknown; use one of {', '.join(COMPRESSIONS)}")

    @property
    def place(self) -> str:
        """Where it is, for messages; without the password."""
        if self.sentinels:
            watching = ",".join(f"{host}:{port}" for host, port in self.sentinels)
            return f"Redis '{self.sentinel_master}' of the sentinels {watching}"
        return f"Redis {'Cluster ' if self.cluster else ''}{self.host}:{self.port}"

    @classmethod
    def of(cls, section: Any, storage: Any) -> RedisSettings:
        """From the `redis` section of the configuration and the `storage` section around it."""
        pool = section.pool_config
        return cls(
            host=section.host,
            port=section.port,
            username=section.username,
            password=section.password,
            database=section.database,
            timeout_ms=section.timeout,
            ssl=section.ssl,
            ca=section.ca,
            sentinels=tuple(_address(address, 26379) for address in section.sentinel),
            sentinel_master=section.sentinel_master,
            cluster=section.cluster,
            replicas=section.replicas,
            max_total=pool.max_total,
            max_idle=pool.max_idle,
            min_idle=pool.min_idle,
            compression=storage.compression,
            require_durable=storage.require_durable,
        )

    @classmethod
    def from_url(cls, url: str) -> RedisSettings:
        """The settings a URL gives. Raises `StoreRefused` naming what is wrong."""
        parts = urlsplit(url)
        if parts.scheme not in _SCHEMES:
            raise StoreRefused(
                f"'{parts.scheme}://' is no Redis store; use {', '.join(f'{name}://' for name in _SCHEMES)}"
            )
        credentials, _, hosts = parts.netloc.rpartition("@")
        username, _, password = credentials.partition(":")
        options = _options(dict(parse_qsl(parts.query, keep_blank_values=True)))
        sentinel = "sentinel_master" in options
        addresses = tuple(_address(address, 26379 if sentinel else 6379) for address in hosts.split(","))
        if len(addresses) > 1 and not sentinel:
            raise StoreRefused(
                "the Redis store's URL has several hosts; '?sentinel=<service>' says that they are sentinels"
            )
        database = unquote(parts.path.strip("/")) or "0"
        if not database.isdecimal():
            raise StoreRefused(f"the database of the Redis store's URL must be a number, it is '{database}'")
        return cls(
            host=addresses[0][0],
            port=addresses[0][1],
            username=unquote(username) or None,
            password=unquote(password) or None,
            database=int(database),
            ssl=_SCHEMES[parts.scheme],
            sentinels=addresses if sentinel else (),
            **options,
        )


def _address(text: str, port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{text.strip()}")
    try:
        return parts.hostname or "localhost", parts.port or port
    except ValueError as error:
        raise StoreRefused(f"'{text}' is no address of a Redis server: {error}") from error


def _options(options: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, text in options.items():
        if name == "protocol" and text == "3":
            continue
        if name in _NUMBERS:
            found[_NUMBERS[name]] = _number(name, text)
        elif name in _TEXTS:
            found[_TEXTS[name]] = text
        elif name in _SWITCHES:
            if text not in ("true", "false"):
                raise StoreRefused(f"'{name}' of the Redis store's URL must be true or false, it is '{text}'")
            found[_SWITCHES[name]] = text == "true"
        else:
            near = difflib.get_close_matches(name, _OPTIONS, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(_OPTIONS)}"
            raise StoreRefused(f"the Redis store's URL has the unknown option '{name}'; {hint}")
    return found


def _number(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise StoreRefused(f"'{name}' of the Redis store's URL must be a whole number, it is '{text}'") from None
