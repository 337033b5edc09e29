"""PostgreSQL with durable settings as shipped (fsync on) and a superuser `flowrt`.

Started by root, it runs as the user `postgres`, with its data outside the folder it was given.
"""

import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from . import homes
from .install import program
from .ports import free_port
from .process import finish
from .single import SingleProcessServer

_PROGRAMS = ["/usr/lib/postgresql/*/bin"]


def _postgres_program(name: str) -> Path:
    return program(name, "postgresql", folders=_PROGRAMS)


class Postgres(SingleProcessServer):
    name = "postgres"
    stop_signal = signal.SIGINT  # does not wait for clients to leave
    user = homes.UNPRIVILEGED
    password = "flowrt"

    def __init__(self, *, settings: Sequence[str] = ()) -> None:
        """`settings` are further lines of postgresql.conf, after which nothing else is read."""
        super().__init__()
        self.port = 0
        self._settings = settings

    @property
    def url(self) -> str:
        return self.database_url("flowrt")

    def database_url(self, database: str) -> str:
        return f"postgresql://flowrt:{self.password}@127.0.0.1:{self.port}/{database}"

    def create_database(self, database: str) -> str:
        """The URL of a new, empty database."""
        finish([_postgres_program("createdb"), "--maintenance-db", self.database_url("postgres"), database])
        return self.database_url(database)

    def fetch(self) -> None:
        for name in ("initdb", "postgres", "pg_isready", "createdb"):
            _postgres_program(name)

    def prepare(self, folder: Path) -> None:
        self.port = free_port()
        home = homes.unprivileged_folder(folder)
        self._data = home / "data"
        secret = home / "password"
        secret.write_text(self.password)
        init: list[str | Path] = [
            _postgres_program("initdb"),
            "--pgdata",
            self._data,
            "--username",
            "flowrt",
            "--pwfile",
            secret,
        ]
        init += ["--auth", "scram-sha-256", "--encoding", "UTF8", "--no-locale", "--no-sync"]
        finish(init, folder=home, user=self.user)
        lines = ["listen_addresses = '127.0.0.1'", f"port = {self.port}", "unix_socket_directories = ''"]
        with (self._data / "postgresql.conf").open("a") as configuration:
            configuration.write("\n".join([*lines, *self._settings]) + "\n")

    def command(self) -> Sequence[str | Path]:
        return [_postgres_program("postgres"), "-D", self._data]

    def ready(self) -> bool:
        asked: list[str | Path] = [_postgres_program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(asked).returncode == 0

    def populate(self) -> None:
        self.create_database("flowrt")
