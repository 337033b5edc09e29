"""Keycloak, started as in production but without TLS, with its database in a file of the folder.

Java's start and the first filling of the database take a minute on a small machine: tests that only need tokens
are better served by a small server of their own.
"""

import urllib.request
import zipfile
from collections.abc import Sequence
from pathlib import Path
from urllib.error import URLError

from . import maven
from .install import cached, run
from .ports import free_ports
from .single import SingleProcessServer

_VERSION = "26.4.0"


def _home() -> Path:
    """The unpacked distribution, with everything decided that is decided at build time."""

    def make(draft: Path) -> None:
        packed = maven.archive("keycloak-zip", f"org.keycloak:keycloak-quarkus-dist:{_VERSION}:zip")
        with zipfile.ZipFile(packed) as distribution:
            distribution.extractall(draft)
        run(
            ["bash", draft / f"keycloak-{_VERSION}" / "bin" / "kc.sh", "build", "--db=dev-file"],
            "keycloak",
        )

    return cached(f"keycloak-{_VERSION}", make) / f"keycloak-{_VERSION}"


class Keycloak(SingleProcessServer):
    name = "keycloak"
    ready_within_s = 240
    admin = "admin"
    password = "flowrt-admin"

    def __init__(self) -> None:
        super().__init__()
        self.port = self._management_port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def token_url(self) -> str:
        return f"{self.url}/realms/master/protocol/openid-connect/token"

    def fetch(self) -> None:
        maven.java()
        self._home = _home()

    def prepare(self, folder: Path) -> None:
        self.port, self._management_port = free_ports(2)
        self._database = folder / "database" / "keycloak"

    def environment(self) -> dict[str, str]:
        return {
            "KC_BOOTSTRAP_ADMIN_USERNAME": self.admin,
            "KC_BOOTSTRAP_ADMIN_PASSWORD": self.password,
            "JAVA_OPTS_KC_HEAP": "-Xms64m -Xmx512m",
        }

    def command(self) -> Sequence[str | Path]:
        listen = ["--http-enabled=true", "--http-host=127.0.0.1", f"--http-port={self.port}"]
        listen += [f"--http-management-port={self._management_port}", "--hostname-strict=false", "--cache=local"]
        database = f"--db-url=jdbc:h2:file:{self._database};NON_KEYWORDS=VALUE"
        return ["bash", self._home / "bin" / "kc.sh", "start", "--optimized", *listen, database]

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/realms/master", timeout=10) as response:
                return bool(response.status == 200)
        except (URLError, OSError):
            return False
