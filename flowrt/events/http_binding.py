"""CloudEvents over HTTP: the structured, the binary and the batch content mode, to the events' JSON form.

Source: CloudEvents HTTP protocol binding 1.0.2, section 3. Nothing is filled in or converted: an event without an id is
invalid, a time keeps its text. (The `cloudevents` package would invent ids and times, take broken JSON for text, and
knows no batches.)
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from flowrt.events.cloudevent import InvalidEvent

Json = Any

STRUCTURED, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
PREFIX = "ce-"


class UnknownFormat(ValueError):
    """The content is in no mode or format that is read; the message says which are."""


def read_events(headers: Mapping[str, str], body: bytes, parse: Callable[[bytes], Json]) -> list[dict[str, Json]]:
    """The events of a message, unchecked but for their form. `headers` have lower-case names; `parse` reads JSON.

    Raises `InvalidEvent`, `UnknownFormat`, and what `parse` raises.
    """
    content_type = headers.get("content-type", "")
    kind = content_type.partition(";")[0].strip().lower()
    if kind == BATCH:
        return _batch(parse(body))
    if kind == STRUCTURED:
        return [_event(parse(body))]
    if kind.startswith("application/cloudevents"):
        raise UnknownFormat(f"'{kind}' is not read; send {STRUCTURED} or {BATCH}.")
    if any(name.startswith(PREFIX) for name in headers):
        return [_binary(headers, content_type, kind, body, parse)]
    if kind in ("application/json", ""):
        # Many a client names the event's JSON just JSON.
        value = parse(body)
        return _batch(value) if isinstance(value, list) else [_event(value)]
    raise UnknownFormat(f"'{kind}' without ce- headers is no CloudEvent; send {STRUCTURED}, {BATCH} or ce- headers.")


def _batch(value: Json) -> list[dict[str, Json]]:
    if not isinstance(value, list):
        raise InvalidEvent("a batch is a JSON array of events")
    return [_event(each) for each in value]


def _event(value: Json) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise InvalidEvent("a CloudEvent is a JSON object")
    event: dict[str, Json] = value
    if event.get("specversion") == "0.3" and event.get("datacontentencoding") == "base64":
        event = {name: item for name, item in event.items() if name not in ("datacontentencoding", "data")}
        event["data_base64"] = value.get("data")
    if isinstance(event.get("data_base64"), str):
        try:
            base64.b64decode(event["data_base64"], validate=True)
        except (binascii.Error, ValueError):
            raise InvalidEvent("'data_base64' is no Base64") from None
    return event


def _binary(
    headers: Mapping[str, str], content_type: str, kind: str, body: bytes, parse: Callable[[bytes], Json]
) -> dict[str, Json]:
    event: dict[str, Json] = {
        name[len(PREFIX) :]: unquote(value, errors="strict")
        for name, value in headers.items()
        if name.startswith(PREFIX)
    }
    if "data" in event or "data_base64" in event:
        raise InvalidEvent("'data' is no attribute: in binary mode it is the body")
    if content_type:
        event["datacontenttype"] = content_type
    if not body:
        return event
    if kind in ("application/json", "text/json", "") or kind.endswith("+json"):
        event["data"] = parse(body)
    elif kind.startswith("text/") or kind.endswith("+xml") or kind == "application/xml":
        event["data"] = _text(body, content_type)
    else:
        event["data_base64"] = base64.b64encode(body).decode()
    return event


def _text(body: bytes, content_type: str) -> str:
    charset = content_type.lower().partition("charset=")[2].partition(";")[0].strip('" ') or "utf-8"
    try:
        return body.decode(charset)
    except (LookupError, UnicodeDecodeError):
        raise InvalidEvent(f"the body is no text in '{charset[:40]}'") from None
