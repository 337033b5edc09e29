"""The protocols, one file each. `PROTOCOLS` is the table of them: the word of the DSL -> module, class and extra."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec

from flowrt.effects.asyncapi.broker import Access, Broker
from flowrt.effects.client.faults import misconfigured

_HERE = "flowrt.effects.asyncapi.protocols"


@dataclass(frozen=True, slots=True)
class Entry:
    """One protocol. `packages` are what its library is imported as; `extra` names the one that installs it."""

    broker: str
    packages: tuple[str, ...] = ()
    extra: str = ""
    headers: bool = True
    """Whether its messages can carry headers."""
    connected: bool = True
    """Whether a connection is worth keeping for the next message."""


PROTOCOLS: dict[str, Entry] = {
    "amqp": Entry(f"{_HERE}.amqp:AmqpBroker", ("aio_pika",), "amqp"),
    "http": Entry(f"{_HERE}.http:HttpBroker", connected=False),
    "kafka": Entry(f"{_HERE}.kafka:KafkaBroker", ("aiokafka",), "kafka"),
    "mqtt": Entry(f"{_HERE}.mqtt:MqttBroker", ("aiomqtt",), "mqtt", headers=False),
    "mqtt5": Entry(f"{_HERE}.mqtt:Mqtt5Broker", ("aiomqtt",), "mqtt"),
    "nats": Entry(f"{_HERE}.nats:NatsBroker", ("nats",), "nats"),
    "pulsar": Entry(f"{_HERE}.pulsar:PulsarBroker", ("pulsar",), "pulsar"),
    "redis": Entry(f"{_HERE}.redis:RedisBroker", headers=False),
    "ws": Entry(f"{_HERE}.ws:WebSocketBroker", ("websockets",), "ws", connected=False),
}

SPELLINGS: dict[str, tuple[str, bool]] = {
    "amqps": ("amqp", True),
    "https": ("http", True),
    "kafka-secure": ("kafka", True),
    "mqtts": ("mqtt", True),
    "secure-mqtt": ("mqtt", True),
    "mqtt5s": ("mqtt5", True),
    "nats+tls": ("nats", True),
    "pulsar+ssl": ("pulsar", True),
    "redis-secure": ("redis", True),
    "rediss": ("redis", True),
    "tls": ("nats", True),
    "wss": ("ws", True),
}
"""What documents and addresses call them besides: the protocol, and whether it means TLS."""


def problem_of(protocol: str) -> str | None:
    """Why this protocol cannot be used here: unknown, or without its extra."""
    entry = PROTOCOLS.get(protocol)
    if entry is None:
        return f"call: asyncapi: the protocol {protocol!r} is not supported; there are {', '.join(PROTOCOLS)}"
    if _is_missing(entry.packages):
        return f"call: asyncapi over {protocol} needs the extra: pip install 'flowrt[{entry.extra}]'"
    return None


def make_broker(access: Access) -> Broker:
    """Raises `configuration`/400 for a protocol that cannot be used here."""
    protocol = access.server.protocol
    if (problem := problem_of(protocol)) is not None:
        raise misconfigured(problem)
    module, _, name = PROTOCOLS[protocol].broker.partition(":")
    broker: Broker = getattr(importlib.import_module(module), name)(access)
    return broker


@cache
def _is_missing(packages: tuple[str, ...]) -> bool:
    return any(find_spec(package) is None for package in packages)
