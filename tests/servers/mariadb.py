"""MariaDB with durable settings (the log flushed at every commit) and a user `flowrt` that may do everything."""

import getpass
import subprocess
from collections.abc import Sequence
from pathlib import Path

from .install import program
from .ports import free_port
from .process import finish
from .single import SingleProcessServer


class MariaDB(SingleProcessServer):
    name = "mariadb"
    password = "flowrt"

    def __init__(self, *, settings: Sequence[str] = ()) -> None:
        """`settings` are further options of the server's command line."""
        super().__init__()
        self.port = 0
        self._settings = settings

    @property
    def url(self) -> str:
        return self.database_url("flowrt")

    def database_url(self, database: str) -> str:
        return f"mysql://flowrt:{self.password}@127.0.0.1:{self.port}/{database}"

    def create_database(self, database: str) -> str:
        """The URL of a new, empty database."""
        self._execute(f"CREATE DATABASE `{database}` CHARACTER SET utf8mb4")
        return self.database_url(database)

    def fetch(self) -> None:
        for name in ("mariadbd", "mariadb-install-db", "mariadb"):
            program(name, "mariadb-server")

    def prepare(self, folder: Path) -> None:
        self.port = free_port()
        self._data = folder / "data"
        self._socket = folder / "mariadb.sock"
        # Two servers with one folder for temporary tables remove each other's.
        self._temporary = folder / "tmp"
        self._temporary.mkdir()
        user = getpass.getuser()
        install: list[str | Path] = [
            program("mariadb-install-db", "mariadb-server"),
            "--no-defaults",
            f"--datadir={self._data}",
        ]
        install += [f"--user={user}", "--auth-root-authentication-method=normal", "--skip-test-db"]
        finish(install, folder=folder, environment={"TMPDIR": str(self._temporary)})

    def command(self) -> Sequence[str | Path]:
        options = [f"--datadir={self._data}", f"--socket={self._socket}", f"--user={getpass.getuser()}"]
        options += [f"--tmpdir={self._temporary}"]
        options += ["--bind-address=127.0.0.1", f"--port={self.port}", f"--pid-file={self._data / 'pid'}"]
        durable = ["--innodb-flush-log-at-trx-commit=1", "--skip-name-resolve", "--innodb-buffer-pool-size=64M"]
        return [program("mariadbd", "mariadb-server"), "--no-defaults", *options, *durable, *self._settings]

    def ready(self) -> bool:
        return subprocess.run(self._client("SELECT 1"), capture_output=True).returncode == 0

    def populate(self) -> None:
        self._execute(f"CREATE USER flowrt@'%' IDENTIFIED BY '{self.password}'")
        self._execute("GRANT ALL ON *.* TO flowrt@'%' WITH GRANT OPTION")
        self.create_database("flowrt")

    def _client(self, statement: str) -> list[str | Path]:
        client = program("mariadb", "mariadb-server")
        return [client, "--no-defaults", "--user=root", f"--socket={self._socket}", "--execute", statement]

    def _execute(self, statement: str) -> None:
        finish(self._client(statement))
