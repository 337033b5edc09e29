"""Fixtures that start each server once per test session, and `start_server` for a test that wants one of its own.

Where a server cannot be had, its tests are skipped with one line that says how to get it; with CI=true they fail.
Tests that use a server for the Java machine, or one built from source, carry the mark `heavy`.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn, Protocol, TypeVar

import pytest

from . import Server
from .external import ExternalServer
from .infinispan import Infinispan
from .kafka import Kafka
from .keycloak import Keycloak
from .kubernetes import Kubernetes
from .mariadb import MariaDB
from .mosquitto import Mosquitto
from .nats import Nats
from .pgbouncer import PgBouncer
from .podman import Podman
from .postgres import Postgres
from .pulsar import Pulsar
from .rabbitmq import RabbitMQ
from .redis import Redis
from .redis_cluster import RedisCluster
from .redis_sentinel import RedisSentinel
from .toxiproxy import Toxiproxy

AnyServer = TypeVar("AnyServer", bound=Server)

_SERVERS = {f"{name}_server" for name in ("pgbouncer", "redis_cluster", "redis_sentinel")}
_HEAVY = {f"{name}_server" for name in ("infinispan", "kafka", "keycloak", "kubernetes", "pulsar", "toxiproxy")}


class StartServer(Protocol):
    def __call__(self, server: AnyServer) -> AnyServer: ...


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "heavy: needs a server for the Java machine or one built from source")
    config.addinivalue_line("markers", "servers: needs a proxy or several servers, in `make test-servers` only")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        asked = {*getattr(item, "fixturenames", ())}
        if isinstance(item, pytest.Function) and hasattr(item, "callspec"):
            asked.update(value for value in item.callspec.params.values() if isinstance(value, str))
        if _HEAVY & asked:
            item.add_marker(pytest.mark.heavy)
        if _SERVERS & asked:
            item.add_marker(pytest.mark.servers)


def _require(server: Server) -> None:
    reason = server.unavailable()
    if reason is not None:
        refuse(f"{server.name}: {reason}")


def refuse(reason: str) -> NoReturn:
    """Skips the test; with CI=true fails it."""
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def running(server: AnyServer, folders: pytest.TempPathFactory) -> Iterator[AnyServer]:
    """For a fixture: the server in a folder of its own until the fixture ends."""
    _require(server)
    try:
        server.start(folders.mktemp(server.name))
        yield server
    finally:
        server.stop()


def _given(variable: str, server: Server) -> Server:
    """The server the variable names, else the one of our own."""
    url = os.environ.get(variable)
    return ExternalServer(server.name, url) if url else server


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[StartServer]:
    started: list[Server] = []

    def start(server: AnyServer) -> AnyServer:
        _require(server)
        started.append(server)
        server.start(tmp_path / f"{server.name}-{len(started)}")
        return server

    yield start
    for server in reversed(started):
        server.stop()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from running(_given("FLOWRT_TEST_REDIS_URL", Redis()), tmp_path_factory)


@pytest.fixture(scope="session")
def redis_cluster_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    yield from running(RedisCluster(), tmp_path_factory)


@pytest.fixture(scope="session")
def redis_sentinel_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisSentinel]:
    yield from running(RedisSentinel(), tmp_path_factory)


@pytest.fixture(scope="session")
def infinispan_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Infinispan]:
    yield from running(Infinispan(), tmp_path_factory)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from running(_given("FLOWRT_TEST_POSTGRES_URL", Postgres()), tmp_path_factory)


@pytest.fixture(scope="session")
def pgbouncer_server(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PgBouncer]:
    yield from running(PgBouncer(postgres_server.url), tmp_path_factory)


@pytest.fixture(scope="session")
def mariadb_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from running(_given("FLOWRT_TEST_MYSQL_URL", MariaDB()), tmp_path_factory)


@pytest.fixture(scope="session")
def kafka_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    yield from running(Kafka(), tmp_path_factory)


@pytest.fixture(scope="session")
def pulsar_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pulsar]:
    yield from running(Pulsar(), tmp_path_factory)


@pytest.fixture(scope="session")
def rabbitmq_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMQ]:
    yield from running(RabbitMQ(), tmp_path_factory)


@pytest.fixture(scope="session")
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nats]:
    yield from running(Nats(), tmp_path_factory)


@pytest.fixture(scope="session")
def mosquitto_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    yield from running(Mosquitto(), tmp_path_factory)


@pytest.fixture(scope="session")
def keycloak_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keycloak]:
    yield from running(Keycloak(), tmp_path_factory)


@pytest.fixture(scope="session")
def kubernetes_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubernetes]:
    yield from running(Kubernetes(), tmp_path_factory)


@pytest.fixture(scope="session")
def podman_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podman]:
    yield from running(Podman(), tmp_path_factory)


@pytest.fixture(scope="session")
def toxiproxy_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toxiproxy]:
    yield from running(Toxiproxy(), tmp_path_factory)
