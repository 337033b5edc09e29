"""Every server really serves: one real request each, and what it was told is there after a crash and a restart."""

import http.client
import json
import socket
import ssl
import struct
import time
import urllib.request
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import asyncmy
import asyncpg  # type: ignore[import-untyped]
import pytest
import redis
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry
from redis.sentinel import Sentinel

from tests.servers.fixtures import StartServer
from tests.servers.infinispan import Infinispan
from tests.servers.kafka import Kafka
from tests.servers.keycloak import Keycloak
from tests.servers.kubernetes import Kubernetes
from tests.servers.mariadb import MariaDB
from tests.servers.mosquitto import Mosquitto
from tests.servers.nats import Nats
from tests.servers.pgbouncer import PgBouncer
from tests.servers.podman import Podman
from tests.servers.postgres import Postgres
from tests.servers.pulsar import Pulsar
from tests.servers.rabbitmq import RabbitMQ
from tests.servers.redis import Redis
from tests.servers.redis_cluster import RedisCluster
from tests.servers.redis_sentinel import RedisSentinel
from tests.servers.toxiproxy import Toxiproxy


def said(port: int, question: bytes, length: int) -> bytes:
    """The first bytes that the server answers."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(question)
        answer = b""
        while len(answer) < length and (more := connection.recv(4096)):
            answer += more
        return answer


def asked(url: str, method: str = "GET", body: object = None, **options: Any) -> Any:
    """The JSON (or nothing) that the server answers; options are `headers` and those of urlopen."""
    headers = {"Content-Type": "application/json", **options.pop("headers", {})}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=60, **options) as response:
        return json.loads(response.read() or b"null")


def test_redis_keeps_what_it_acknowledged(start_server: StartServer) -> None:
    server = start_server(Redis(append_fsync="always"))
    with redis.Redis.from_url(server.url) as client:
        client.set("key", "kept")
        server.kill()
        server.restart()
        assert client.get("key") == b"kept"


def test_redis_with_password_and_tls(start_server: StartServer) -> None:
    server = start_server(Redis(password="open sesame", tls=True))
    with redis.Redis.from_url(server.url) as client:
        assert client.ping()
    without = f"rediss://127.0.0.1:{server.port}/0?{urlsplit(server.url).query}"
    with redis.Redis.from_url(without) as client, pytest.raises(redis.AuthenticationError):
        client.get("key")


def test_redis_cluster_fails_over(start_server: StartServer) -> None:
    server = start_server(RedisCluster())
    before = {node.port for node in server.masters()}
    client = redis.RedisCluster.from_url(server.url)
    for number in range(100):
        client.set(f"key-{number}", number)
    client.close()
    server.failover()
    after = {node.port for node in server.masters()}
    assert len(before - after) == 1
    client = redis.RedisCluster.from_url(server.url)
    assert [client.get(f"key-{number}") for number in range(100)] == [str(number).encode() for number in range(100)]
    client.close()


def test_redis_sentinel_fails_over(start_server: StartServer) -> None:
    server = start_server(RedisSentinel())
    before = server.url
    client = Sentinel(server.sentinel_addresses).master_for(server.service)  # type: ignore[no-untyped-call]
    client.set("key", "kept")
    assert client.wait(2, 5_000) == 2
    server.failover()
    assert server.url != before
    assert client.get("key") == b"kept"
    client.close()


async def test_postgres_keeps_what_it_committed(start_server: StartServer) -> None:
    server = start_server(Postgres())
    connection = await asyncpg.connect(server.url)
    assert await connection.fetchval("SHOW fsync") == "on"
    await connection.execute("CREATE TABLE kept AS SELECT 7 AS value")
    server.kill()
    connection.terminate()
    server.restart()
    connection = await asyncpg.connect(server.url)
    assert await connection.fetchval("SELECT value FROM kept") == 7
    await connection.close()


async def test_pgbouncer_gives_one_connection_to_many_clients(start_server: StartServer) -> None:
    server = start_server(PgBouncer(start_server(Postgres()).url))
    clients = [await asyncpg.connect(server.url, statement_cache_size=0) for _ in range(5)]
    backends = {await client.fetchval("SELECT pg_backend_pid()") for client in clients}
    assert len(backends) == 1
    for client in clients:
        await client.close()


async def test_mariadb_keeps_what_it_committed(start_server: StartServer) -> None:
    server = start_server(MariaDB())

    async def execute(statement: str) -> Any:
        url = urlsplit(server.url)
        options = {"user": url.username, "password": url.password, "db": url.path[1:], "autocommit": True}
        client = asyncmy.connect(host=url.hostname, port=url.port, **options)
        async with client as connection, connection.cursor() as rows:
            await rows.execute(statement)
            return await rows.fetchall()

    await execute("CREATE TABLE kept AS SELECT 7 AS value")
    server.kill()
    server.restart()
    assert await execute("SELECT value FROM kept") == ((7,),)


def test_rabbitmq_greets(start_server: StartServer) -> None:
    server = start_server(RabbitMQ())
    assert b"RabbitMQ" in said(server.port, b"AMQP\x00\x00\x09\x01", 200)


def test_nats_has_jetstream(start_server: StartServer) -> None:
    server = start_server(Nats())
    question = b'CONNECT {"verbose":false}\r\nSUB answer 1\r\nPUB $JS.API.INFO answer 0\r\n\r\n'
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(question)
        lines = connection.makefile("rb")
        while not lines.readline().startswith(b"MSG answer"):
            pass
        assert json.loads(lines.readline())["type"] == "io.nats.jetstream.api.v1.account_info_response"


def test_mosquitto_keeps_a_retained_message(start_server: StartServer) -> None:
    server = start_server(Mosquitto())
    connect = b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01t"
    publish = b"\x33\x0a\x00\x01t\x00\x01" + b"kept!"
    assert said(server.port, connect + publish, 8) == b"\x20\x02\x00\x00\x40\x02\x00\x01"
    server.restart()
    subscribe = b"\x82\x06\x00\x01\x00\x01t\x00"
    assert b"kept!" in said(server.port, connect + subscribe, 19)


def test_podman_runs_a_container(start_server: StartServer) -> None:
    server = start_server(Podman())

    def call(method: str, path: str, body: object = None) -> bytes:
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(urlsplit(server.url).path)
        data = None if body is None else json.dumps(body)
        with closing(connection):
            connection.request(method, f"/v1.41/containers/{path}", data, {"Content-Type": "application/json"})
            return connection.getresponse().read()

    command = ["sh", "-c", "echo $GREETING; exit 3"]
    created = call("POST", "create", {"Image": server.image, "Cmd": command, "Env": ["GREETING=hello"]})
    container = json.loads(created)["Id"]
    call("POST", f"{container}/start")
    assert json.loads(call("POST", f"{container}/wait"))["StatusCode"] == 3
    assert b"hello\n" in call("GET", f"{container}/logs?stdout=1")


def test_infinispan_keeps_what_it_acknowledged(infinispan_server: Infinispan) -> None:
    quiet = MaintNotificationsConfig(enabled=False)
    with redis.Redis.from_url(infinispan_server.url, maint_notifications_config=quiet) as client:
        with client.pipeline() as transaction:
            assert transaction.set("key", "kept").hset("hash", "field", "too").execute() == [True, 1]
        infinispan_server.kill()
        infinispan_server.restart()
        assert (client.get("key"), client.hget("hash", "field")) == (b"kept", b"too")


def test_kafka_tells_its_versions(kafka_server: Kafka) -> None:
    request = struct.pack(">hhih", 18, 0, 77, -1)
    answer = said(kafka_server.port, struct.pack(">i", len(request)) + request, 14)
    _, correlation, error, apis = struct.unpack(">iihi", answer[:14])
    assert (correlation, error) == (77, 0)
    assert apis > 10


def test_pulsar_keeps_a_topic(pulsar_server: Pulsar) -> None:
    topics = f"{pulsar_server.admin_url}/admin/v2/persistent/public/default"
    asked(f"{topics}/kept", "PUT")
    pulsar_server.kill()
    pulsar_server.restart()
    assert "persistent://public/default/kept" in asked(topics)


def test_keycloak_issues_a_token(keycloak_server: Keycloak) -> None:
    form = (
        f"grant_type=password&client_id=admin-cli&username={keycloak_server.admin}&password={keycloak_server.password}"
    )
    with urllib.request.urlopen(keycloak_server.token_url, form.encode(), timeout=60) as response:
        assert json.load(response)["token_type"] == "Bearer"


def test_kubernetes_refuses_a_stale_write(kubernetes_server: Kubernetes) -> None:
    objects = f"{kubernetes_server.url}/api/v1/namespaces/default/configmaps"
    trusted = ssl.create_default_context(cafile=kubernetes_server.authority)
    options: dict[str, Any] = {"headers": {"Authorization": f"Bearer {kubernetes_server.token}"}, "context": trusted}
    made = asked(objects, "POST", {"metadata": {"name": "kept"}, "data": {"value": "1"}}, **options)
    asked(f"{objects}/kept", "PUT", {**made, "data": {"value": "2"}}, **options)
    kubernetes_server.kill()
    kubernetes_server.restart()
    with pytest.raises(urllib.request.HTTPError) as refused:
        asked(f"{objects}/kept", "PUT", {**made, "data": {"value": "3"}}, **options)
    assert refused.value.code == 409
    refused.value.close()
    assert asked(f"{objects}/kept", **options)["data"] == {"value": "2"}


def test_toxiproxy_cuts_and_mends(toxiproxy_server: Toxiproxy, start_server: StartServer) -> None:
    port = toxiproxy_server.proxy("redis", start_server(Redis()).port)
    with redis.Redis(port=port, retry=Retry(NoBackoff(), 0)) as client:
        assert client.ping()
        toxiproxy_server.cut("redis")
        with pytest.raises(redis.ConnectionError):
            client.ping()
        toxiproxy_server.mend("redis")
        toxiproxy_server.slow_down("redis", 0.2)
        began_at = time.monotonic()
        assert client.ping()
        assert time.monotonic() - began_at >= 0.2
