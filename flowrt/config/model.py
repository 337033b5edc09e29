"""The settings, each documented once: this file is the reference that `flowrt config show` prints.

A key is the attribute's name in kebab case, unless `key` in its metadata says otherwise. Durations are seconds here and
`7d`, `12h`, `30m`, `10s`, `500ms` or ISO 8601 in files; sizes are bytes here and `16MiB` or a number in files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flowrt.config.fields import duration, secret, size
from flowrt.config.secrets import Secrets
from flowrt.config.storage import InMemoryStorage, Storage


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
    token: str | None = secret("token", word=True)
    """What requests must carry as `Authorization: Bearer`; None: everybody may use the API."""


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
class Events:
    """CloudEvents that come in."""

    dedupe: float = duration(86400.0)
    """How long the same `source` and `id` count once."""
    lookback: float = duration(0.0)
    """How long an event that nobody takes is kept for those that listen later; 0: not at all."""
    offer_lifecycle: bool = False
    """Whether `listen` hears lifecycle events."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Scheduled workflows."""

    timezone: str = "UTC"
    catch_up: str = field(default="one", metadata={"one_of": ("none", "one", "all")})


@dataclass(frozen=True, slots=True)
class Shell:
    """`run.shell`, and MCP servers that are started as programs."""

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
class Http:
    """Calls over HTTP."""

    clients: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Pattern (`ns:name:version.task` … `name`, or `default`) -> settings of that client."""
    allow_files: bool = False
    """Whether definitions may read `file:` resources outside their folder."""


@dataclass(frozen=True, slots=True)
class Grpc:
    """Calls over gRPC; hosts, timeouts and certificates are those of the HTTP clients."""

    tls_servers: tuple[str, ...] = ()
    """Patterns of `host:port` that are spoken to over TLS, such as `*.example.com:*`; port 443 always is."""


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
    grpc: Grpc = field(default_factory=Grpc)
    catalog: Catalog = field(default_factory=Catalog)
    expressions: Expressions = field(default_factory=Expressions)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """`$runtime.metadata`."""


__all__ = [
    "Application",
    "Config",
    "InMemoryStorage",
    "Secrets",
    "Storage",
]
