"""The stores that are soaked besides the file store: real servers, killed too."""

from __future__ import annotations

import subprocess
import sys
from typing import NamedTuple

import pytest

from tests.servers import Server
from tests.servers.fixtures import StartServer
from tests.servers.mariadb import MariaDB
from tests.servers.postgres import Postgres
from tests.servers.redis import Redis


class Soaked(NamedTuple):
    """A store's URL, and the server behind it."""

    url: str
    server: Server


def migrated(server: Postgres | MariaDB) -> Soaked:
    url = server.create_database("soak")
    subprocess.run([sys.executable, "-m", "flowrt", "db", "migrate", "--store", url], check=True)
    return Soaked(url, server)


@pytest.fixture
def soaked(request: pytest.FixtureRequest, start_server: StartServer) -> Soaked:
    """The store that the test's parameter names, on a server of its own."""
    match request.param:
        case "redis":
            redis = start_server(Redis(append_fsync="always"))
            return Soaked(redis.url, redis)
        case "postgresql":
            return migrated(start_server(Postgres()))
        case "mariadb":
            return migrated(start_server(MariaDB()))
    raise ValueError(request.param)
