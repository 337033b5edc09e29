"""Settings of containers: which engine runs them, and what they may use of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Login:
    """How to log in to one image registry."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class KubernetesSettings:
    """Where Jobs are created and who they are."""

    namespace: str = "default"
    kubeconfig: Path | None = None
    """None: the service account of the pod we run in, else the user's own file."""
    context: str | None = None
    service_account: str | None = None
    pull_secrets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ContainerSettings:
    """None is no limit of ours."""

    enabled: bool = False
    runtime: Literal["docker", "podman", "kubernetes"] = "docker"
    host: str | None = None
    """As in DOCKER_HOST: `unix:///path`, `tcp://host:port`, `https://host:port`. None: the runtime's usual sockets."""
    certificates: Path | None = None
    """A folder with `ca.pem`, `cert.pem` and `key.pem`, as in DOCKER_CERT_PATH."""
    allowed_volumes: tuple[str, ...] | None = ()
    """Folders of the host, whose content may be mounted, and names of volumes; None: all.

    The engine follows links, so a folder in which containers may make links opens the rest of the host, too.
    """
    network: str | None = None
    memory_bytes: int | None = None
    cpus: float | None = None
    pids: int | None = None
    output_bytes: int = 16 << 20
    """Of stdout and stderr together."""
    logins: Mapping[str, Login] = field(default_factory=dict)
    """By registry, as it stands in front of an image's name; `docker.io` for names without one."""
    kubernetes: KubernetesSettings = KubernetesSettings()
