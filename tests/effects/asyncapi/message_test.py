"""Messages as expressions see them, and as they are written."""

from __future__ import annotations

from typing import Any

import pytest

from flowrt.core.effect import Effect
from flowrt.core.fault import Faulted
from flowrt.effects.asyncapi.broker import Incoming
from flowrt.effects.asyncapi.message import located, outgoing, shown, to_json

Json = Any
EFFECT = Effect("asyncapi", {}, "01J", "/do/0/say")


@pytest.mark.parametrize(
    ("payload", "content_type", "read"),
    [
        (b'{"a": 1}', "application/json", {"a": 1}),
        (b"7", "", 7),
        (b"no json", "application/json", "no json"),
        (b"", "application/json", None),
        (b"7", "text/plain", "7"),
        ("ä".encode("latin-1"), "text/plain; charset=latin-1", "ä"),
        (b"\xff\xfe", "application/octet-stream", "//4="),
        (b"\xff\xfe", "application/json", "//4="),
        (b"[1]", "application/vnd.chat+json; v=1", [1]),
    ],
)
def test_payloads_are_json_else_text_else_base64(payload: bytes, content_type: str, read: Json) -> None:
    assert to_json(Incoming(payload, {}), content_type, None) == {"payload": read, "headers": {}}


def test_what_the_message_says_of_its_content_goes_before_the_document() -> None:
    assert to_json(Incoming(b"7", {"Content-Type": "text/plain"}), "application/json", None)["payload"] == "7"
    assert to_json(Incoming(b"7", {}, "text/plain"), "application/json", None)["payload"] == "7"


@pytest.mark.parametrize(
    ("incoming", "where", "found"),
    [
        (Incoming(b'{"id": 5}', {}), "$message.payload#/id", "5"),
        (Incoming(b"{}", {"Thread": "t"}), "$message.header#/thread", "t"),
        (Incoming(b"{}", {}, None, "of the protocol"), "$message.header#/thread", "of the protocol"),
        (Incoming(b"{}", {"Correlation-ID": "c"}), None, "c"),
        (Incoming(b"{}", {}), None, None),
    ],
)
def test_the_correlation_id_is_where_the_document_or_the_protocol_has_it(
    incoming: Incoming, where: str | None, found: str | None
) -> None:
    assert to_json(incoming, "", where).get("correlationId") == found


def test_a_location_that_is_not_there_is_null() -> None:
    assert located("$message.payload#/a/0/b", {"a": [{}]}, {}) is None
    assert located("$message.payload#/a", "text", {}) is None
    assert located("$request.body#/a", {"a": 1}, {}) is None


def test_a_message_is_written_in_the_content_type_of_the_document() -> None:
    assert outgoing({"payload": "x"}, "application/json", EFFECT).payload == b'"x"'
    assert outgoing({"payload": "x"}, "text/plain", EFFECT).payload == b"x"
    assert outgoing({"payload": {"n": 1}}, "text/plain", EFFECT).payload == b'{"n":1}'
    assert outgoing({"payload": None}, "application/json", EFFECT).payload == b"null"
    assert outgoing({}, "application/json", EFFECT).payload == b""
    with pytest.raises(Faulted, match="avro"):
        outgoing({"payload": {}}, "application/vnd.apache.avro", EFFECT)


def test_the_definitions_own_headers_go_before_ours_and_secret_ones_are_not_shown() -> None:
    given = {"headers": {"traceparent": "mine", "Authorization": "Bearer x", "n": 1}}
    message = outgoing(given, "application/json", EFFECT)
    assert message.all_headers["traceparent"] == "mine"
    assert message.all_headers["Idempotency-Key"] == "01J/do/0/say/0/0"
    output = shown(message)
    assert (output["payload"], output["headers"]["n"]) == (None, "1")
    assert "Authorization" not in output["headers"]
