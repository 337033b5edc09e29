"""Redis, or Valkey where only that is installed: one node, persistent by default."""

import json
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import redis

from .certificates import Certificate, self_made
from .install import program
from .ports import free_port
from .process import ServerProcess, wait_until
from .single import SingleProcessServer


def redis_program(kind: Literal["server", "cli"]) -> Path:
    valkey = shutil.which(f"valkey-{kind}")
    if valkey is not None and shutil.which(f"redis-{kind}") is None:
        return Path(valkey)
    return program(f"redis-{kind}", "redis-server")


class Redis(SingleProcessServer):
    name = "redis"

    def __init__(
        self,
        *,
        append_only: bool = True,
        append_fsync: Literal["always", "everysec", "no"] = "everysec",
        password: str | None = None,
        tls: bool = False,
        settings: Sequence[str] = (),
    ) -> None:
        """`settings` are further lines of the configuration file."""
        super().__init__()
        self.port = 0
        self.certificate: Certificate | None = None
        self._password = password
        self._tls = tls
        self._lines = [
            "bind 127.0.0.1",
            'save ""',
            f"appendonly {'yes' if append_only else 'no'}",
            f"appendfsync {append_fsync}",
            *([f"requirepass {json.dumps(password)}"] if password else []),
            *settings,
        ]

    @property
    def url(self) -> str:
        credentials = f":{quote(self._password, safe='')}@" if self._password else ""
        address = f"{credentials}127.0.0.1:{self.port}/0"
        if self.certificate is not None:
            return f"rediss://{address}?ssl_ca_certs={self.certificate.authority}"
        return f"redis://{address}"

    def fetch(self) -> None:
        redis_program("server")

    def prepare(self, folder: Path) -> None:
        self.port = free_port()
        self._configuration = folder / "redis.conf"
        lines = [f"port {self.port}", f"dir {json.dumps(str(folder))}", *self._lines]
        if self._tls:
            made = self.certificate = self_made(folder)
            lines[0] = f"port 0\ntls-port {self.port}\ntls-auth-clients no"
            lines += [f"tls-cert-file {made.certificate}", f"tls-key-file {made.key}"]
            lines.append(f"tls-ca-cert-file {made.authority}")
        self._configuration.write_text("\n".join(lines) + "\n")

    def command(self) -> Sequence[str | Path]:
        return [redis_program("server"), self._configuration]

    def ready(self) -> bool:
        try:
            return bool(self.ask("PING"))
        except redis.ConnectionError:  # also while it still loads its data
            return False

    def _end(self, process: ServerProcess) -> None:
        """A node forgets a SIGTERM that comes while it writes the first file of its log."""
        if process.running:
            with suppress(redis.RedisError):
                wait_until(lambda: "aof_rewrite_in_progress:1" not in self.ask("INFO"), "redis wrote its log", 60)
        super()._end(process)

    def ask(self, *command: str) -> Any:
        """The node's own answer to one command, not reshaped by the client."""
        with redis.Redis.from_url(self.url, protocol=3, decode_responses=True, socket_timeout=5) as client:
            client.response_callbacks.clear()
            return client.execute_command(*command)
