"""The settings under `secrets`: where the values of `use.secrets` come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flowrt.config.fields import duration, named, secret


@dataclass(frozen=True, slots=True)
class VaultKubernetes:
    """Logs in to Vault with the service account of the pod."""

    role: str | None = None
    mount: str = "kubernetes"
    token_file: str = "/var/run/secrets/kubernetes.io/serviceaccount/token"


@dataclass(frozen=True, slots=True)
class VaultAppRole:
    """Logs in to Vault as an application."""

    role_id: str | None = None
    secret_id: str | None = secret("secret-id")
    mount: str = "approle"


@dataclass(frozen=True, slots=True)
class Vault:
    """HashiCorp Vault, a KV engine (extra `vault`); exactly one of `token`, `kubernetes`, `app-role`."""

    address: str = "http://127.0.0.1:8200"
    token: str | None = secret("token")
    kubernetes: VaultKubernetes | None = None
    app_role: VaultAppRole | None = None
    mount: str = "secret"
    """Where the KV engine is mounted."""
    path: str = ""
    """The folder in it; the secret `pay` is at `<path>/pay`."""
    kv_version: int = named("kv-version", 2, least=1, most=2)
    namespace: str | None = None
    """Of Vault Enterprise."""
    ca: str | None = None
    """File with the CA's certificates."""
    timeout: float = duration(5.0)
    cache: float = duration(300.0)
    """How long a value is used before Vault is asked again."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """Where `use.secrets` come from; the first source that has one gives it."""

    values: Mapping[str, Any] = field(default_factory=dict, repr=False, metadata={"secret": True})
    directory: str | None = "/run/secrets"
    """One file for each (Docker), or one folder with a file for each member (Kubernetes)."""
    env_file: str | None = None
    env_prefix: str = "FLOWRT_SECRET_"
    vault: Vault | None = None
