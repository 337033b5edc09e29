"""What an AsyncAPI document comes to: operations, channels, servers, bindings and messages of versions 2 and 3."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
import yaml

from flowrt.core.fault import PREFIX, Fault, Faulted
from flowrt.effects.asyncapi.arguments import read_arguments
from flowrt.effects.asyncapi.document import AsyncDocument
from flowrt.effects.asyncapi.target import Target, find_target
from flowrt.effects.described import read_document
from flowrt.effects.resources import Resource

Json = Any

VERSION_2 = """
asyncapi: 2.6.0
info: {title: Chat, version: 1.0.0}
defaultContentType: application/json
servers:
  broker:
    url: 'mqtts://{region}.chat.example:{port}'
    protocol: secure-mqtt
    variables:
      region: {enum: [eu, us], default: eu}
      port: {default: '8883'}
    security: [{login: []}]
  cluster: {url: 'kafka.chat.example:9092', protocol: kafka-secure, security: [{scram: []}]}
  web: {url: 'https://chat.example/v1/', protocol: https}
  later: {url: 'mqtt.chat.example', protocol: mqtt, protocolVersion: '5.0'}
channels:
  rooms/{room}/said:
    servers: [cluster, broker]
    parameters:
      room: {schema: {type: string}, location: $message.payload#/room}
    publish:
      operationId: say
      traits: [{$ref: '#/components/operationTraits/sure'}]
      message: {$ref: '#/components/messages/said'}
    subscribe:
      operationId: hear
      message: {oneOf: [{$ref: '#/components/messages/said'}, {$ref: '#/components/messages/left'}]}
  news: {subscribe: {message: {payload: {type: string}, contentType: text/plain}}}
components:
  securitySchemes:
    login: {type: userPassword}
    scram: {type: scramSha256}
  operationTraits:
    sure: {bindings: {mqtt: {qos: 2}, kafka: {groupId: {type: string, enum: [chat]}}}}
  messages:
    said:
      name: said
      correlationId: {location: $message.header#/thread}
      headers: {type: object, required: [thread]}
      payload: {$ref: '#/components/schemas/said'}
      bindings: {kafka: {key: {type: string}}}
    left: {name: left, payload: {type: object, required: [who]}}
  schemas:
    said:
      type: object
      required: [room, text]
      properties: {room: {$ref: '#/components/schemas/room'}, text: {type: string}}
    room: {type: string}
"""

VERSION_3 = """
asyncapi: 3.0.0
info: {title: Chat, version: 1.0.0}
servers:
  nats: {host: 'nats.chat.example', protocol: nats}
  ws: {host: 'chat.example:{port}', pathname: /socket/, protocol: wss, variables: {port: {default: '443'}}}
  pulsar: {host: 'pulsar.chat.example:6650', protocol: pulsar, bindings: {pulsar: {tenant: acme}}}
channels:
  said:
    address: rooms.{room}.said
    servers: [{$ref: '#/servers/ws'}, {$ref: '#/servers/nats'}]
    parameters:
      room: {default: lobby, location: $message.header#/Room}
    messages:
      said: {$ref: '#/components/messages/said'}
  unknown: {address: null}
  free: {address: free, bindings: {pulsar: {namespace: chat}}}
operations:
  say:
    action: send
    channel: {$ref: '#/channels/said'}
    bindings: {nats: {queue: workers}}
    traits: [{bindings: {nats: {queue: others, more: 1}}}]
    messages: [{$ref: '#/channels/said/messages/said'}]
components:
  messages:
    said:
      contentType: application/vnd.chat+json
      correlationId: {$ref: '#/components/correlationIds/thread'}
      payload:
        schemaFormat: application/vnd.aai.asyncapi+yaml;version=3.0.0
        schema: {type: object, required: [text]}
  correlationIds:
    thread: {location: $message.payload#/thread}
"""


def target(written: str, **arguments: Json) -> Target:
    given = {"document": {"endpoint": {"uri": "chat.yaml"}}, **arguments}
    if "message" not in given:
        given["subscription"] = {"received": 0}
    return find_target(
        read_document(AsyncDocument, Resource(written.encode(), "", "file:///chat.yaml")), read_arguments(given)
    )


def fault(written: str, **arguments: Json) -> Fault:
    with pytest.raises(Faulted) as caught:
        target(written, **arguments)
    return caught.value.fault


SAID = {"payload": {"room": "red", "text": "hi"}, "headers": {"thread": "t1"}}


# Version 2


def test_a_message_performs_the_publish_operation_on_the_first_server_of_the_channel() -> None:
    found = target(VERSION_2, channel="rooms/{room}/said", message=SAID)
    server = found.server
    assert (server.name, server.protocol, server.address, server.tls) == (
        "cluster",
        "kafka",
        "kafka.chat.example:9092",
        True,
    )
    assert server.security == ("scramSha256",)
    assert found.channel.address == "rooms/red/said"
    assert found.channel.operation == {"groupId": {"type": "string", "enum": ["chat"]}}
    assert found.channel.message == {"key": {"type": "string"}}
    assert found.correlation == "$message.header#/thread"


def test_a_server_by_protocol_and_its_variables() -> None:
    found = target(VERSION_2, channel="rooms/red/said", protocol="mqtt")
    assert (found.server.name, found.server.address, found.server.tls) == ("broker", "eu.chat.example:8883", True)
    given = {"name": "broker", "variables": {"region": "us", "port": 1}}
    assert target(VERSION_2, channel="rooms/red/said", server=given).server.address == "us.chat.example:1"
    wrong = fault(VERSION_2, channel="rooms/red/said", server={"name": "broker", "variables": {"region": "mars"}})
    assert wrong.type == f"{PREFIX}configuration"
    assert "may be eu, us, not 'mars'" in str(wrong.detail)


def test_the_name_of_a_channel_may_say_its_parameters() -> None:
    found = target(VERSION_2, channel="rooms/blue/said")
    assert (found.channel.name, found.channel.address) == ("rooms/{room}/said", "rooms/blue/said")
    assert fault(VERSION_2, channel="rooms/{room}/said").type == f"{PREFIX}validation"


def test_operations_by_id_and_channels_by_what_they_do() -> None:
    assert target(VERSION_2, operation="say", message=SAID).channel.address == "rooms/red/said"
    news = target(VERSION_2, channel="news", protocol="http")
    assert (news.server.name, news.server.path, news.content_type) == ("web", "/v1", "text/plain")
    assert "has no 'publish' operation; it has 'subscribe' only" in str(
        fault(VERSION_2, channel="news", message={"payload": "x"}).detail
    )
    assert "there are: hear, say" in str(fault(VERSION_2, operation="shout").detail)
    assert "there is no channel 'old'" in str(fault(VERSION_2, channel="old").detail)


def test_mqtt_of_version_5_is_mqtt_all_the_same() -> None:
    assert target(VERSION_2, channel="news", protocol="mqtt5").server.name == "later"
    assert target(VERSION_2, channel="news", server={"name": "later"}).server.protocol == "mqtt5"
    spoken = fault(VERSION_2, channel="rooms/x/said", protocol="amqp").detail
    assert "speaks 'amqp'; there are: cluster (kafka-secure), broker (secure-mqtt)" in str(spoken)


def test_a_message_has_to_fit_one_of_those_of_its_channel() -> None:
    wrong = fault(VERSION_2, operation="say", message={"payload": {"room": 7}, "headers": {"Thread": "x"}})
    assert (wrong.type, wrong.status) == (f"{PREFIX}validation", 400)
    missing = fault(VERSION_2, operation="say", message={"payload": SAID["payload"]})
    assert "header 'thread' is missing" in str(missing.detail)
    assert target(VERSION_2, operation="hear", message={"payload": {"who": "me", "room": "r"}}).correlation is None
    assert "secret" not in str(fault(VERSION_2, operation="say", message={"payload": "secret", "headers": {}}).detail)


# Version 3


def test_an_operation_leads_to_its_channel() -> None:
    found = target(VERSION_3, operation="say", message={"payload": {"text": "hi"}, "headers": {"room": "red"}})
    assert (found.server.name, found.server.address, found.server.path, found.server.tls) == (
        "ws",
        "chat.example:443",
        "/socket",
        True,
    )
    assert (found.channel.name, found.channel.address) == ("said", "rooms.red.said")
    assert (found.content_type, found.correlation) == ("application/vnd.chat+json", "$message.payload#/thread")


def test_what_an_operation_says_itself_goes_before_its_traits() -> None:
    found = target(VERSION_3, operation="say", protocol="nats")
    assert found.channel.operation == {"queue": "workers", "more": 1}
    assert (found.server.address, found.channel.address) == ("nats.chat.example:4222", "rooms.lobby.said")


def test_a_channel_by_name_and_by_any_server_if_it_lists_none() -> None:
    found = target(VERSION_3, channel="free", protocol="pulsar", message={"payload": 1})
    assert (found.server.bindings, found.channel.bindings) == ({"tenant": "acme"}, {"namespace": "chat"})
    assert "has no address" in str(fault(VERSION_3, channel="unknown").detail)


def test_payloads_with_a_schema_of_their_own_format_are_checked_if_it_is_json_schema() -> None:
    assert fault(VERSION_3, operation="say", message={"payload": {}}).type == f"{PREFIX}validation"
    avro = VERSION_3.replace("application/vnd.aai.asyncapi+yaml;version=3.0.0", "application/vnd.apache.avro;version=1")
    assert target(avro, operation="say", message={"payload": {}}).channel.name == "said"


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("{", "neither JSON nor YAML"),
        ("[]", "not an object"),
        ("{}", "has no `asyncapi`"),
        ("asyncapi: 1.2.0", "its version is '1.2.0'"),
        ("asyncapi: 3.0.0\noperations: {say: {channel: {$ref: '#/channels/x'}}}", "leads nowhere"),
        ("asyncapi: 3.0.0\noperations: {say: {$ref: '#/operations/say'}}", "round in circles"),
        ("asyncapi: 3.0.0\noperations: {say: {$ref: 'other.yaml'}}", "leads out of the document"),
        ("asyncapi: 3.0.0\noperations: {say: 7}", "an object was expected"),
        ("asyncapi: 3.0.0\nchannels: {c: {address: c}}\noperations: {say: {channel: {$ref: '#/channels/c'}}}",
         "no server"),
    ],
)  # fmt: skip
def test_what_is_no_document_is_a_fault_that_names_it(written: str, says: str) -> None:
    found = fault(written, operation="say")
    assert (found.type, found.status) == (f"{PREFIX}configuration", 400)
    assert says in str(found.detail)
    assert "file:///chat.yaml" in str(found.detail)


def test_references_that_lead_out_of_the_document_are_not_followed_in_schemas() -> None:
    written = yaml.safe_load(VERSION_3)
    written["components"]["messages"]["said"]["payload"] = {"$ref": "http://127.0.0.1:9/schema.json"}
    found = fault(orjson.dumps(written).decode(), operation="say", message={"payload": {}})
    assert found.type == f"{PREFIX}configuration"
