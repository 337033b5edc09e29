"""Connections to brokers: lost and made again, taken over, refused."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from flowrt.core.fault import PREFIX, Fault, Faulted
from flowrt.effects.asyncapi import AsyncapiCall
from flowrt.effects.asyncapi.sessions import Patience
from flowrt.effects.auth import Authentication
from flowrt.effects.client import Clients, ClientSettings, Hosts, Timeouts, Tls
from flowrt.effects.resources import Resources
from tests.effects.asyncapi.brokers_test import KINDS
from tests.effects.asyncapi.conftest import Run, document, until
from tests.servers.fixtures import StartServer
from tests.servers.install import program
from tests.servers.mosquitto import Mosquitto
from tests.servers.nats import Nats
from tests.servers.ports import free_port
from tests.servers.rabbitmq import RabbitMQ
from tests.servers.redis import Redis

Json = Any
RunOn = Callable[..., Run]
SECRET = "s3cr3t-pa55"


async def fault_of(run: Run, **arguments: Json) -> Fault:
    """The fault of publishing, which a subscription to the same server has, too."""
    with pytest.raises(Faulted) as caught:
        await run.publish({}, **arguments)
    with pytest.raises(Faulted) as subscribing:
        await run.receive(**arguments)
    assert subscribing.value.fault.type == caught.value.fault.type
    assert SECRET not in str(caught.value.fault) + str(subscribing.value.fault)
    return caught.value.fault


def call_of(settings: ClientSettings) -> AsyncapiCall:
    clients = Clients(settings)
    authentication = Authentication(clients)
    return AsyncapiCall(clients, authentication, Resources(authentication))


# Lost


@pytest.mark.parametrize("make", [Redis, Nats, Mosquitto, RabbitMQ])
async def test_a_broker_that_is_killed_and_comes_back_is_subscribed_to_again(
    make: Callable[[], Any], start_server: StartServer, run_on: RunOn, channel: str
) -> None:
    server = start_server(make())
    run = run_on(document(server.url, channel))
    waiting = await run.subscribing()
    await run.publish("first")
    await waiting
    waiting = asyncio.create_task(run.receive())
    await asyncio.to_thread(server.kill)
    await until(lambda: run.call.subscriptions == 0)
    await asyncio.to_thread(server.restart)
    await until(lambda: run.call.subscriptions == 1)
    await run.publish("second")
    assert (await waiting)["payload"] == "second"
    await run.end()


@pytest.mark.parametrize("make", [Redis, Nats, Mosquitto])
async def test_a_kept_connection_that_died_is_replaced(
    make: Callable[[], Any], start_server: StartServer, run_on: RunOn, channel: str
) -> None:
    server = start_server(make())
    run = run_on(document(server.url, channel))
    await run.publish("first")
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.restart)
    await run.publish("second")


async def test_a_broker_that_stays_away_is_a_fault(
    start_server: StartServer, run_on: RunOn, make_call: Callable[..., AsyncapiCall], channel: str
) -> None:
    server = start_server(Nats())
    run = run_on(document(server.url, channel), make_call(Patience(reconnect_s=0.5)))
    waiting = await run.subscribing()
    await asyncio.to_thread(server.kill)
    with pytest.raises(Faulted) as caught:
        await waiting
    assert (caught.value.fault.type, caught.value.fault.status) == (f"{PREFIX}communication", 503)


@pytest.mark.parametrize(
    "name", ["nats-stream", "mqtt", "mqtt5", "amqp-exchange", pytest.param("kafka", marks=pytest.mark.heavy),
             pytest.param("pulsar", marks=pytest.mark.heavy)]
)  # fmt: skip
async def test_a_process_that_takes_over_keeps_what_the_other_one_gives_up(
    name: str, request: pytest.FixtureRequest, run_on: RunOn, make_call: Callable[..., AsyncapiCall], channel: str
) -> None:
    kind = KINDS[name]
    url = request.getfixturevalue(kind.server).url
    if kind.prepare is not None:
        await kind.prepare(url, channel)
    written = document(url, channel, **kind.options)
    old = run_on(written, make_call(Patience(linger_s=0.3, reconnect_s=0)))
    waiting = await old.subscribing()
    new = run_on(written, make_call())
    taking_over = asyncio.create_task(new.receive())
    if name not in ("kafka", "pulsar"):
        await until(lambda: new.call.subscriptions == 1)
    waiting.cancel()
    await asyncio.wait([waiting])
    await until(lambda: old.call.subscriptions == 0 and new.call.subscriptions == 1)
    await new.publish("kept")
    assert (await taking_over)["payload"] == "kept"
    await new.end()


# Refused


@pytest.mark.parametrize("protocol", ["redis", "nats", "mqtt", "mqtt5", "amqp", "kafka", "pulsar", "ws", "http"])
async def test_nobody_there_is_a_communication_fault(protocol: str, run_on: RunOn, channel: str) -> None:
    written = document(f"{protocol}://127.0.0.1:{free_port()}", channel)
    call = call_of(ClientSettings(timeouts=Timeouts(connect_s=1.0)))
    fault = await fault_of(run_on(written, call))
    await call.close()
    assert fault.type == f"{PREFIX}communication"
    assert fault.status in (503, 504)


async def test_redis_with_a_password(start_server: StartServer, run_on: RunOn, channel: str) -> None:
    server = start_server(Redis(password=SECRET))
    run = run_on(document(f"redis://127.0.0.1:{server.port}", channel))
    for policy in ({"basic": {"username": "default", "password": SECRET}}, {"bearer": {"token": SECRET}}):
        await run.publish({}, authentication=policy)
    await run_on(document(f"redis://default:{SECRET}@127.0.0.1:{server.port}", channel)).publish({})
    run = run_on(document(f"redis://127.0.0.1:{server.port}", channel))
    fault = await fault_of(run, authentication={"basic": {"username": "default", "password": f"{SECRET}!"}})
    assert (fault.type, fault.status) == (f"{PREFIX}authentication", 401)


async def test_redis_over_tls(start_server: StartServer, tmp_path: Path, run_on: RunOn, channel: str) -> None:
    server = start_server(Redis(tls=True))
    assert server.certificate is not None
    call = call_of(ClientSettings(tls=Tls(ca_file=str(server.certificate.authority))))
    run = run_on(document(f"rediss://127.0.0.1:{server.port}", channel), call)
    waiting = await run.subscribing()
    await run.publish("over tls")
    assert (await waiting)["payload"] == "over tls"
    await run.end()
    await call.close()
    assert (await fault_of(run_on(document(f"rediss://127.0.0.1:{server.port}", channel)))).status == 503


class NatsWithToken(Nats):
    def command(self) -> Sequence[str | Path]:
        return [*super().command(), "--auth", SECRET]


async def test_nats_with_a_token(start_server: StartServer, run_on: RunOn, channel: str) -> None:
    server = start_server(NatsWithToken())
    run = run_on(document(server.url, channel))
    await run.publish({}, authentication={"bearer": {"token": SECRET}})
    assert (await fault_of(run, authentication={"bearer": {"token": f"{SECRET}!"}})).status == 401
    assert (await fault_of(run)).status == 401


class MosquittoWithPasswords(Mosquitto):
    def prepare(self, folder: Path) -> None:
        super().prepare(folder)
        passwords = folder / "passwords"
        subprocess.run([program("mosquitto_passwd", "mosquitto"), "-b", "-c", passwords, "u", SECRET], check=True)
        configuration = folder / "mosquitto.conf"
        text = configuration.read_text().replace("allow_anonymous true", f"password_file {passwords}")
        configuration.write_text(text)


@pytest.mark.parametrize("version", ["3.1.1", "5.0"])
async def test_mqtt_with_a_password(version: str, start_server: StartServer, run_on: RunOn, channel: str) -> None:
    server = start_server(MosquittoWithPasswords())
    run = run_on(document(server.url, channel, protocolVersion=version))
    await run.publish({}, authentication={"basic": {"username": "u", "password": SECRET}})
    fault = await fault_of(run, authentication={"basic": {"username": "u", "password": f"{SECRET}!"}})
    assert (fault.type, fault.status) == (f"{PREFIX}authentication", 401)


async def test_amqp_with_a_password(rabbitmq_server: Any, run_on: RunOn, channel: str) -> None:
    run = run_on(document(f"amqp://127.0.0.1:{rabbitmq_server.port}", channel))
    await run.publish({}, authentication={"basic": {"username": "guest", "password": "guest"}})
    fault = await fault_of(run, authentication={"basic": {"username": "guest", "password": f"{SECRET}!"}})
    assert (fault.type, fault.status) == (f"{PREFIX}authentication", 401)


async def test_a_policy_that_is_for_http_only_is_refused(run_on: RunOn, channel: str) -> None:
    run = run_on(document(f"nats://127.0.0.1:{free_port()}", channel))
    fault = await fault_of(run, authentication={"digest": {"username": "u", "password": SECRET}})
    assert fault.type == f"{PREFIX}configuration"


async def test_the_rules_about_hosts_hold(run_on: RunOn, channel: str) -> None:
    call = call_of(ClientSettings(hosts=Hosts(deny=("127.0.0.*",))))
    fault = await fault_of(run_on(document(f"nats://localhost:{free_port()}", channel), call))
    assert (fault.type, fault.status) == (f"{PREFIX}authorization", 403)
    await call.close()
