"""The settings under `storage`: exactly one backend, and what all of them share."""

from __future__ import annotations

from dataclasses import dataclass, field

from flowrt.config.fields import named, secret


@dataclass(frozen=True, slots=True)
class FileStorage:
    """LMDB in a folder."""

    path: str = "./.flowrt"


@dataclass(frozen=True, slots=True)
class InMemoryStorage:
    """Everything is lost at exit."""


@dataclass(frozen=True, slots=True)
class RedisPool:
    """Connections; -1 is no limit."""

    max_total: int = named("maxTotal", -1)
    max_idle: int = named("maxIdle", 8)
    min_idle: int = named("minIdle", 0)


@dataclass(frozen=True, slots=True)
class RedisStorage:
    """Redis, Valkey or Infinispan's RESP endpoint."""

    host: str = "localhost"
    port: int = field(default=6379, metadata={"least": 1, "most": 65535})
    username: str | None = None
    password: str | None = secret("password")
    database: int = field(default=0, metadata={"least": 0})
    timeout: int = field(default=2000, metadata={"least": 1})
    """Milliseconds."""
    ssl: bool = False
    ca: str | None = None
    """File with the CA's certificates."""
    sentinel: tuple[str, ...] = ()
    """`host:port` of each sentinel."""
    sentinel_master: str = "mymaster"
    replicas: int = field(default=0, metadata={"least": 0})
    """How many must have a write before it counts."""
    cluster: bool = False
    pool_config: RedisPool = field(default_factory=RedisPool, metadata={"key": "poolConfig"})


@dataclass(frozen=True, slots=True)
class SqlStorage:
    """A database server."""

    host: str = "localhost"
    port: int | None = field(default=None, metadata={"least": 1, "most": 65535})
    username: str | None = None
    password: str | None = secret("password")
    database: str | None = None
    schema: str | None = None
    ssl: bool = False
    ca: str | None = None
    maximum_pool_size: int = named("maximumPoolSize", 10, least=1)
    minimum_idle: int | None = named("minimumIdle", None)
    idle_timeout: int = named("idleTimeout", 600_000)
    """Milliseconds, as the next two."""
    connection_timeout: int = named("connectionTimeout", 30_000)
    max_lifetime: int = named("maxLifetime", 1_800_000)


@dataclass(frozen=True, slots=True)
class SqliteStorage:
    """A database file."""

    path: str = "./flowrt.db"


@dataclass(frozen=True, slots=True)
class KeyValueCache:
    """Instances read from the store."""

    maximum_size: int = named("maximumSize", 10_000)
    expire_after_access_seconds: int = named("expireAfterAccessSeconds", 3600)


@dataclass(frozen=True, slots=True)
class KeySetCache:
    """Lists of instances."""

    maximum_size: int = named("maximumSize", 1000)
    expire_after_access_seconds: int = named("expireAfterAccessSeconds", 1800)


@dataclass(frozen=True, slots=True)
class Cache:
    """What is kept in memory of what was read."""

    key_value: KeyValueCache | None = named("keyValue")
    key_set: KeySetCache | None = named("keySet")


@dataclass(frozen=True, slots=True)
class Storage:
    """Exactly one backend; without any: `file`."""

    file: FileStorage | None = None
    redis: RedisStorage | None = None
    postgres: SqlStorage | None = None
    mysql: SqlStorage | None = None
    oracle: SqlStorage | None = None
    mssql: SqlStorage | None = None
    sqlite: SqliteStorage | None = None
    in_memory: InMemoryStorage | None = named("inMemory")
    url: str | None = secret("url")
    """Says the backend in one line, as `--store` does."""
    compression: str = field(default="none", metadata={"one_of": ("none", "gzip", "bzip2", "deflate")})
    cache: Cache | None = None
    migrate_at_start: bool | None = None
    require_durable: bool = False
