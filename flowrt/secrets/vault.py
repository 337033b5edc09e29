"""HashiCorp Vault as a source of secrets: its KV engine, version 1 or 2 (extra `vault`).

Vault is asked the first time a secret is wanted, which waits at most the timeout; from then on the value is used for
the configured time, and after that asked for again beside the work that goes on with the old one. Vault being down
therefore stops only what wants a secret for the first time, and costs a timeout once in a few seconds. Source:
developer.hashicorp.com/vault/api-docs, "KV secrets engine".
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowrt.config.problem import ConfigProblem
from flowrt.config.secrets import Vault
from flowrt.core.fault import Fault, Faulted
from flowrt.secrets.sources import Source, unreadable

log = logging.getLogger("flowrt.secrets")
Json = Any

MISSING = "secrets.vault needs the extra: pip install 'flowrt[vault]'"
AGAIN_S = 10.0
"""How long Vault is not asked again for a secret that it does not have, or failed to give."""


def from_vault(settings: Vault, clock: Callable[[], float] = time.monotonic) -> Source:
    """Secrets at `<mount>/<path>/<name>`. Raises `ConfigProblem` for settings that cannot work."""
    ways = [settings.token, settings.kubernetes, settings.app_role]
    if sum(way is not None for way in ways) != 1:
        raise ConfigProblem(["'secrets.vault' logs in with exactly one of token, kubernetes, app-role"])
    try:
        import hvac
    except ImportError:
        raise ConfigProblem([MISSING]) from None
    client = hvac.Client(
        url=settings.address,
        token=settings.token or "",
        verify=settings.ca if settings.ca is not None else True,
        timeout=math.ceil(settings.timeout),
        namespace=settings.namespace,
    )
    return _Vault(settings, client, clock).look_up


@dataclass(slots=True)
class _Kept:
    value: Json
    until: float
    failure: Faulted | None = None
    """Why there is no value."""
    asking: bool = False


class _Vault:
    def __init__(self, settings: Vault, client: Any, clock: Callable[[], float]) -> None:
        self._settings, self._client, self._clock = settings, client, clock
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()

    def look_up(self, name: str) -> Json:
        if not all(part.strip(".") for part in name.split("/")):
            return None
        with self._lock:
            kept = self._kept.get(name)
            late = kept is not None and self._clock() >= kept.until
            if kept is not None and kept.value is not None:
                if late and not kept.asking:
                    kept.asking = True
                    threading.Thread(target=self._again, args=(name, kept), daemon=True).start()
                return kept.value
        if kept is None or late:
            kept = self._first(name)
        if kept.failure is not None:
            raise kept.failure
        return kept.value

    def _first(self, name: str) -> _Kept:
        try:
            return self._keep(name, self._ask(name))
        except Faulted as failure:
            return self._keep(name, None, failure)

    def _keep(self, name: str, value: Json, failure: Faulted | None = None) -> _Kept:
        time_s = self._settings.cache if value is not None else min(self._settings.cache, AGAIN_S)
        kept = _Kept(value, self._clock() + time_s, failure)
        with self._lock:
            self._kept[name] = kept
        return kept

    def _again(self, name: str, kept: _Kept) -> None:
        try:
            self._keep(name, self._ask(name))
        except Faulted as error:
            log.warning("%s; its last value is used", error.fault.detail)
            kept.until, kept.asking = self._clock() + min(self._settings.cache, AGAIN_S), False

    def _ask(self, name: str) -> Json:
        """Asks Vault; logs in anew when the token is no good any more. Raises `Faulted`."""
        from hvac.exceptions import Forbidden, InvalidPath, Unauthorized, VaultError
        from requests import RequestException

        try:
            try:
                return self._read(name)
            except (Forbidden, Unauthorized):
                if self._settings.token is not None:
                    raise
                self._log_in()
                return self._read(name)
        except InvalidPath:
            return None
        except (Forbidden, Unauthorized):
            raise unreadable(name, f"Vault at {self._settings.address} refuses it; check the policy") from None
        except (VaultError, RequestException, OSError) as error:
            raise Faulted(
                Fault.of(
                    "communication",
                    f"The secret '{name}' cannot be had: Vault at {self._settings.address} fails "
                    f"({type(error).__name__})",
                    status=503,
                )
            ) from None

    def _read(self, name: str) -> Json:
        path = f"{self._settings.path.strip('/')}/{name}".lstrip("/")
        engine, mount = self._client.secrets.kv, self._settings.mount
        if self._settings.kv_version == 1:
            data = engine.v1.read_secret(path=path, mount_point=mount)["data"]
        else:
            found = engine.v2.read_secret_version(path=path, mount_point=mount, raise_on_deleted_version=True)
            data = found["data"]["data"]
        # What a secret of one value is: `vault kv put secret/pay value=…`.
        return data["value"] if isinstance(data, dict) and list(data) == ["value"] else data

    def _log_in(self) -> None:
        kubernetes, application = self._settings.kubernetes, self._settings.app_role
        if kubernetes is not None:
            token = Path(kubernetes.token_file).read_text(encoding="utf-8").strip()
            self._client.auth.kubernetes.login(role=kubernetes.role, jwt=token, mount_point=kubernetes.mount)
        elif application is not None:
            self._client.auth.approle.login(
                role_id=application.role_id, secret_id=application.secret_id, mount_point=application.mount
            )
