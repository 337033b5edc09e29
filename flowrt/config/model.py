"""The settings, each documented once: this file is the reference that `flowrt config show` prints.

A key is the attribute's name in kebab case, unless `key` in its metadata says otherwise. Durations are seconds here and
`7d`, `12h`, `30m`, `10s`, `500ms` or ISO 8601 in files; sizes are bytes here and `16MiB` or a number in files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


def named(key: str, default: Any = None, **options: Any) -> Any:
    """A setting whose key is not its name in kebab case."""
    return field(default=default, metadata={"key": key, **options})


def duration(default: float | None) -> Any:
    """A duration in seconds."""
    return field(default=default, metadata={"duration": True})


def size(default: int) -> Any:
    """A size in bytes."""
    return field(default=default, metadata={"size": True})


def secret(key: str) -> Any:
    """A value that is never shown."""
    return field(default=None, repr=False, metadata={"key": key, "secret": True})


@dataclass(frozen=True, slots=True)
class Application:
    """Who owns the instances."""

    id: str = "default"


@dataclass(frozen=True, slots=True)
class Workflows:
    """Which definitions are served."""

    path: str = "./workflows"
    watch: bool = True


@dataclass(frozen=True, slots=True)
class Server:
    """The HTTP server."""

    host: str = "127.0.0.1"
    port: int = field(default=8080, metadata={"least": 0, "most": 65535})
    max_body: int = size(16 * 1024 * 1024)
    shutdown_timeout: float = duration(30.0)
    log_level: str = field(default="info", metadata={"one_of": ("debug", "info", "warning", "error")})


@dataclass(frozen=True, slots=True)
class RetentionTimes:
    """How long ended instances are kept; 0 removes at once."""

    completed: float = duration(7 * 86400.0)
    faulted: float = duration(30 * 86400.0)
    cancelled: float = duration(7 * 86400.0)


@dataclass(frozen=True, slots=True)
class Persistence:
    """What is stored and restored."""

    auto_restore: bool = True
    exclude_workflows: tuple[str, ...] = ()
    """`ns:name:version`, `ns:name` or `ns:*`: in memory only."""
    retention: RetentionTimes = field(default_factory=RetentionTimes)


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


@dataclass(frozen=True, slots=True)
class Events:
    """CloudEvents that come in."""

    dedupe: float = duration(86400.0)
    """How long the same `source` and `id` count once."""
    offer_lifecycle: bool = False
    """Whether `listen` hears lifecycle events."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Scheduled workflows."""

    timezone: str = "UTC"
    catch_up: str = field(default="one", metadata={"one_of": ("none", "one", "all")})


@dataclass(frozen=True, slots=True)
class Shell:
    """`run.shell`."""

    enabled: bool = False
    commands: tuple[str, ...] | None = None
    """First words that are allowed; without: all."""


@dataclass(frozen=True, slots=True)
class Script:
    """`run.script`."""

    enabled: bool = False


@dataclass(frozen=True, slots=True)
class Container:
    """`run.container`."""

    enabled: bool = False
    runtime: str = field(default="docker", metadata={"one_of": ("docker", "podman", "kubernetes")})
    host: str | None = None
    """As in DOCKER_HOST, such as `unix:///run/podman/podman.sock`; without: the runtime's usual sockets."""
    volumes: tuple[str, ...] | None = None
    """Folders of the host, and names of volumes, that may be mounted."""
    network: str | None = None
    namespace: str = "default"
    """Of Kubernetes Jobs."""
    kubeconfig: str | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Of each shell command and script."""

    memory: int = size(4 << 30)
    cpu: float = duration(600.0)
    time: float = duration(3600.0)
    output: int = size(16 << 20)


@dataclass(frozen=True, slots=True)
class Run:
    """Processes that workflows may run."""

    shell: Shell = field(default_factory=Shell)
    script: Script = field(default_factory=Script)
    container: Container = field(default_factory=Container)
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Secrets:
    """Where `use.secrets` come from; the first source that has one gives it."""

    values: Mapping[str, Any] = field(default_factory=dict, repr=False, metadata={"secret": True})
    directory: str | None = "/run/secrets"
    """One file for each (Docker), or one folder with a file for each member (Kubernetes)."""
    env_file: str | None = None
    env_prefix: str = "FLOWRT_SECRET_"


@dataclass(frozen=True, slots=True)
class Http:
    """Calls over HTTP."""

    clients: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Pattern (`ns:name:version.task` … `name`, or `default`) -> settings of that client."""
    allow_files: bool = False
    """Whether definitions may read `file:` resources outside their folder."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """The catalog `default`, whose functions every workflow may call."""

    uri: str | None = None
    """Its root: an http(s) or file URI."""


@dataclass(frozen=True, slots=True)
class Expressions:
    """Runtime expressions."""

    deadline: float = duration(2.0)
    """How long one that could run away may take."""


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that can be set."""

    application: Application = field(default_factory=Application)
    workflows: Workflows = field(default_factory=Workflows)
    server: Server = field(default_factory=Server)
    persistence: Persistence = field(default_factory=Persistence)
    storage: Storage = field(default_factory=Storage)
    events: Events = field(default_factory=Events)
    schedule: Schedule = field(default_factory=Schedule)
    run: Run = field(default_factory=Run)
    secrets: Secrets = field(default_factory=Secrets)
    http: Http = field(default_factory=Http)
    catalog: Catalog = field(default_factory=Catalog)
    expressions: Expressions = field(default_factory=Expressions)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """`$runtime.metadata`."""
