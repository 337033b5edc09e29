"""SqlSettings: where a database is, how to enter it, and how many connections to keep.

A URL says the same in one line: `postgresql://user:password@host:5432/database?schema=flowrt&maximumPoolSize=10`,
`mysql://…` (MariaDB too), `sqlite:///relative/path`, `sqlite:////absolute/path`, `oracle://…`, `mssql://…`.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from flowrt.stores.codec import COMPRESSIONS
from flowrt.stores.protocol import StoreRefused

DEFAULT_PORTS: Mapping[str, int] = {"postgresql": 5432, "mysql": 3306, "oracle": 1521, "mssql": 1433}
_DEFAULT_DATABASES = {"postgresql": "postgres", "mysql": "flowrt", "oracle": "FREEPDB1", "mssql": "flowrt"}
_DEFAULT_SCHEMAS = {"postgresql": "flowrt"}
_SCHEMES = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
    "sqlite": "sqlite",
    "oracle": "oracle",
    "mssql": "mssql",
    "sqlserver": "mssql",
}
TLS_MODES = ("disable", "prefer", "require", "verify-ca", "verify-full")


@dataclass(frozen=True, slots=True)
class Tls:
    """How a connection is encrypted; the modes are libpq's. With `prefer` only PostgreSQL encrypts, if it can."""

    mode: str = "prefer"
    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None


@dataclass(frozen=True, slots=True)
class SqlSettings:
    """Which database, and how. Durations in milliseconds, as the configuration gives them."""

    dialect: str
    database: str
    """Its name; for SQLite the path of its file."""
    host: str = "localhost"
    port: int = 0
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    schema: str | None = None
    maximum_pool_size: int = 10
    minimum_idle: int | None = None
    """None: as many as `maximum_pool_size`."""
    idle_timeout_ms: int = 600_000
    connection_timeout_ms: int = 30_000
    max_lifetime_ms: int = 1_800_000
    statement_timeout_ms: int = 60_000
    """After this long a server that does not answer counts as unreachable."""
    tls: Tls = Tls()
    prepared_statements: bool | None = None
    """None prepares statements, with PostgreSQL only if no proxy, such as PgBouncer, stands between."""
    migrate_at_start: bool | None = None
    """None: SQLite yes, a shared database no."""
    require_durable: bool = False
    """Refuse a server that would lose what it has acknowledged."""
    compression: str = "none"

    def __post_init__(self) -> None:
        if not self.database.strip():
            raise StoreRefused(f"the database of the {self.dialect} store is blank")
        if self.dialect != "sqlite" and not self.host.strip():
            raise StoreRefused(f"the host of the {self.dialect} store is blank")
        if self.dialect != "sqlite" and not 1 <= self.port <= 65535:
            raise StoreRefused(f"the port of the {self.dialect} store must be from 1 to 65535, it is {self.port}")
        if self.schema is not None and self.dialect not in ("postgresql", "oracle"):
            raise StoreRefused(f"the {self.dialect} store takes no schema '{self.schema}'; name a database instead")
        if self.maximum_pool_size < 1:
            raise StoreRefused(f"maximumPoolSize of the {self.dialect} store must be at least 1")
        if self.tls.mode not in TLS_MODES:
            raise StoreRefused(f"sslmode '{self.tls.mode}' is unknown; use one of {', '.join(TLS_MODES)}")
        if self.compression not in COMPRESSIONS:
            raise StoreRefused(f"compression '{self.compression}' is unknown; use one of {', '.join(COMPRESSIONS)}")

    @property
    def migrates(self) -> bool:
        """Whether opening brings the schema up to date."""
        return self.dialect == "sqlite" if self.migrate_at_start is None else self.migrate_at_start

    @property
    def place(self) -> str:
        """Where it is, for messages; without the password."""
        if self.dialect == "sqlite":
            return f"SQLite file {self.database}"
        schema = f", schema {self.schema}" if self.schema else ""
        return f"{self.dialect}://{self.host}:{self.port}/{self.database}{schema}"

    @property
    def url(self) -> str:
        """What `--store` takes, without the password."""
        if self.dialect == "sqlite":
            return f"sqlite:///{self.database}"
        return f"{self.dialect}://{self.host}:{self.port}/{self.database}"

    @classmethod
    def of(cls, scheme: str, section: Any, storage: Any) -> SqlSettings:
        """From the database's section of the configuration and the `storage` section around it."""
        around = {
            "migrate_at_start": storage.migrate_at_start,
            "require_durable": storage.require_durable,
            "compression": storage.compression,
        }
        if scheme == "sqlite":
            return cls("sqlite", section.path, **around)
        mode = ("verify-full" if section.ca else "require") if section.ssl else "prefer"
        return cls(
            scheme,
            section.database or _DEFAULT_DATABASES[scheme],
            section.host,
            section.port or DEFAULT_PORTS[scheme],
            section.username,
            section.password,
            section.schema or _DEFAULT_SCHEMAS.get(scheme),
            section.maximum_pool_size,
            section.minimum_idle,
            section.idle_timeout,
            section.connection_timeout,
            section.max_lifetime,
            tls=Tls(mode, section.ca),
            **around,
        )

    @classmethod
    def from_url(cls, url: str) -> SqlSettings:
        """The settings a URL gives. Raises `StoreRefused` naming what is wrong."""
        parts = urlsplit(url)
        dialect = _SCHEMES.get(parts.scheme.partition("+")[0])
        if dialect is None:
            raise StoreRefused(f"'{parts.scheme}://' is no SQL store; use {', '.join(sorted(_SCHEMES))}")
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        path = unquote(parts.path[1:])
        if dialect == "sqlite":
            if parts.netloc or not path:
                raise StoreRefused("a SQLite store needs a path: sqlite:///relative.db or sqlite:////absolute.db")
            return replace(cls(dialect, path), **_options(options))
        try:
            port = parts.port or DEFAULT_PORTS[dialect]
        except ValueError as error:
            raise StoreRefused(f"the port of the {dialect} store's URL is wrong: {error}") from error
        settings = cls(
            dialect,
            path or _DEFAULT_DATABASES[dialect],
            parts.hostname or "localhost",
            port,
            None if parts.username is None else unquote(parts.username),
            None if parts.password is None else unquote(parts.password),
            _DEFAULT_SCHEMAS.get(dialect),
        )
        return replace(settings, **_options(options))


_NUMBERS = {
    "maximumPoolSize": "maximum_pool_size",
    "minimumIdle": "minimum_idle",
    "idleTimeout": "idle_timeout_ms",
    "connectionTimeout": "connection_timeout_ms",
    "maxLifetime": "max_lifetime_ms",
    "statementTimeout": "statement_timeout_ms",
}
_SWITCHES = {
    "preparedStatements": "prepared_statements",
    "migrateAtStart": "migrate_at_start",
    "requireDurable": "require_durable",
}
_TLS = {"sslmode": "mode", "sslrootcert": "ca_file", "sslcert": "certificate_file", "sslkey": "key_file"}
_OPTIONS = (*_NUMBERS, *_SWITCHES, *_TLS, "schema", "compression")


def _options(options: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    tls: dict[str, str] = {}
    for name, text in options.items():
        if name in _NUMBERS:
            found[_NUMBERS[name]] = _number(name, text)
        elif name in _SWITCHES:
            found[_SWITCHES[name]] = _switch(name, text)
        elif name in _TLS:
            tls[_TLS[name]] = text
        elif name in ("schema", "compression"):
            found[name] = text or None
        else:
            near = difflib.get_close_matches(name, _OPTIONS, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(_OPTIONS)}"
            raise StoreRefused(f"the store's URL has the unknown option '{name}'; {hint}")
    if tls:
        found["tls"] = Tls(**tls)
    return found


def _number(name: str, text: str) -> int:
    if not text.isdecimal() or (name == "maximumPoolSize" and int(text) == 0):
        raise StoreRefused(f"'{name}' of the store's URL must be a positive whole number, it is '{text}'")
    return int(text)


def _switch(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise StoreRefused(f"'{name}' of the store's URL must be true or false, it is '{text}'")
    return text == "true"
