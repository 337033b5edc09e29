"""The HTTP protocol binding of CloudEvents, without a server."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from flowrt.events.cloudevent import InvalidEvent, validate
from flowrt.events.http_binding import UnknownFormat, read_events

ATTRIBUTES = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/x", "ce-type": "t"}


def binary(body: bytes, content_type: str | None, **more: str) -> dict[str, Any]:
    headers = {**ATTRIBUTES, **more, **({"content-type": content_type} if content_type else {})}
    (found,) = read_events(headers, body, json.loads)
    return validate(found)


@pytest.mark.parametrize(
    ("body", "content_type", "data"),
    [
        (b'{"a": 1}', "application/json", {"a": 1}),
        (b"[1]", "application/vnd.x+json; charset=utf-8", [1]),
        (b"7", None, 7),
        (b"hello", "text/plain", "hello"),
        ("ä".encode("latin-1"), "text/plain; charset=iso-8859-1", "ä"),
        (b"<x/>", "application/xml", "<x/>"),
    ],
)
def test_binary_data_follows_its_content_type(body: bytes, content_type: str | None, data: object) -> None:
    found = binary(body, content_type)
    assert found["data"] == data
    assert found.get("datacontenttype") == content_type


def test_other_binary_data_is_base64() -> None:
    found = binary(b"\x00\xff", "application/octet-stream")
    assert base64.b64decode(found["data_base64"]) == b"\x00\xff"
    assert "data" not in found


def test_without_a_body_there_is_no_data() -> None:
    assert "data" not in binary(b"", "application/json")


def test_attributes_keep_their_text() -> None:
    found = binary(b"", None, **{"ce-time": "2026-01-01T00:00:00.123456789+05:30", "ce-ext": "%E2%82%AC 5"})
    assert found["time"] == "2026-01-01T00:00:00.123456789+05:30"
    assert found["ext"] == "€ 5"


def test_structured_wins_over_headers() -> None:
    body = json.dumps({"specversion": "1.0", "id": "2", "source": "/y", "type": "u"}).encode()
    (found,) = read_events({**ATTRIBUTES, "content-type": "application/cloudevents+json"}, body, json.loads)
    assert found["id"] == "2"


def test_base64_of_version_0_3_is_told_as_1_0_does() -> None:
    old = {
        "specversion": "0.3",
        "id": "1",
        "source": "/x",
        "type": "t",
        "datacontentencoding": "base64",
        "data": "AP8=",
    }
    (found,) = read_events({"content-type": "application/cloudevents+json"}, json.dumps(old).encode(), json.loads)
    assert validate(found)["data_base64"] == "AP8="


@pytest.mark.parametrize("content_type", ["text/plain", "application/cloudevents+xml", "multipart/form-data"])
def test_other_formats_are_named(content_type: str) -> None:
    with pytest.raises(UnknownFormat):
        read_events({"content-type": content_type}, b"x", json.loads)


def test_text_in_an_unknown_charset_is_invalid() -> None:
    with pytest.raises(InvalidEvent, match="klingon"):
        binary(b"x", "text/plain; charset=klingon")
