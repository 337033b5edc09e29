"""PgBouncer in transaction mode, in front of a PostgreSQL that runs already."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from . import homes
from .install import program
from .ports import answers, free_port
from .single import SingleProcessServer


class PgBouncer(SingleProcessServer):
    name = "pgbouncer"

    user = homes.UNPRIVILEGED

    def __init__(self, postgres_url: str) -> None:
        super().__init__()
        self.port = 0
        self._postgres = urlsplit(postgres_url)

    @property
    def url(self) -> str:
        credentials, _, _ = self._postgres.netloc.rpartition("@")
        return self._postgres._replace(netloc=f"{credentials}@127.0.0.1:{self.port}").geturl()

    def fetch(self) -> None:
        program("pgbouncer", "pgbouncer")

    def prepare(self, folder: Path) -> None:
        self.port = free_port()
        home = homes.unprivileged_folder(folder)
        users, self._configuration = home / "users.txt", home / "pgbouncer.ini"
        users.write_text(
            " ".join(f'"{unquote(part or "")}"' for part in (self._postgres.username, self._postgres.password))
        )
        settings = {
            "listen_addr": "127.0.0.1",
            "listen_port": self.port,
            "unix_socket_dir": "",
            "auth_type": "scram-sha-256",
            "auth_file": users,
            "pool_mode": "transaction",
            "max_client_conn": 1000,
            "ignore_startup_parameters": "extra_float_digits",
        }
        lines = ["[databases]", f"* = host={self._postgres.hostname} port={self._postgres.port or 5432}", "[pgbouncer]"]
        lines += [f"{key} = {value}" for key, value in settings.items()]
        self._configuration.write_text("\n".join(lines) + "\n")

    def command(self) -> Sequence[str | Path]:
        return [program("pgbouncer", "pgbouncer"), self._configuration]

    def ready(self) -> bool:
        return answers(self.port)
