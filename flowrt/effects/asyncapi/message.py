"""Messages: from JSON to what is published, and from what came to `{payload, headers, correlationId}`.

Invariant: what comes from outside never faults: a payload that is not what it says is text, or base64.
Source: dsl-reference.md, "AsyncAPI Outbound Message", "AsyncAPI Inbound Message".
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import orjson
from jsonpointer import resolve_pointer

from flowrt.core.effect import Effect, Json
from flowrt.effects.client.encoding import header_pairs, scalar_text, split_content_type
from flowrt.effects.client.faults import misconfigured
from flowrt.effects.client.identity import identity_headers
from flowrt.effects.client.messages import find_header, is_sensitive

from .broker import Incoming, Node, Outgoing
from .document import AsyncDocument

JSON = "application/json"
_CORRELATION = ("correlationid", "correlation-id", "x-correlation-id")
"""Headers that hold the correlation id where the document does not say which one does."""


def content_type_of(document: AsyncDocument, message: Node) -> str:
    """What the document says a message's payload is written in."""
    return str(message.get("contentType") or document.root.get("defaultContentType") or JSON)


def outgoing(given: Mapping[str, Any], content_type: str, effect: Effect) -> Outgoing:
    """The message of the definition. Raises `configuration`/400 for what cannot be written."""
    headers = header_pairs(given.get("headers"))
    identity = tuple(pair for pair in identity_headers(effect) if find_header(headers, pair[0]) is None)
    content = given.get("payload")
    payload = _written(content, content_type) if "payload" in given else b""
    return Outgoing(payload, content_type, headers, identity, effect.idempotency_key, content)


def shown(message: Outgoing) -> Json:
    """What the task outputs: the message as it was sent, without headers that hold secrets."""
    headers = {name: value for name, value in message.all_headers.items() if not is_sensitive(name)}
    return {"payload": message.content, "headers": headers}


def to_json(incoming: Incoming, content_type: str, correlation: str | None) -> dict[str, Json]:
    """The message as expressions see it. `correlation` is where the document says its correlation id is."""
    payload = _read(incoming.payload, incoming.content_type or _header(incoming, "content-type") or content_type)
    message: dict[str, Json] = {"payload": payload, "headers": dict(incoming.headers)}
    id_: Json = None
    if correlation is not None:
        id_ = located(correlation, payload, incoming.headers)
    if id_ is None:
        id_ = incoming.correlation_id
    if id_ is None:
        id_ = next((found for name in _CORRELATION if (found := _header(incoming, name)) is not None), None)
    if id_ is not None:
        message["correlationId"] = scalar_text(id_)
    if incoming.delivery is not None:
        message["delivery"] = incoming.delivery
    return message


def located(expression: str, payload: Json, headers: Mapping[str, Any]) -> Json:
    """The value of an AsyncAPI runtime expression such as `$message.header#/correlationId`; null if there is none."""
    source, _, pointer = expression.partition("#")
    if source == "$message.payload":
        return resolve_pointer(payload, pointer, None) if isinstance(payload, dict | list) else None
    if source == "$message.header":
        name = pointer.removeprefix("/").replace("~1", "/").replace("~0", "~").lower()
        return next((value for key, value in headers.items() if key.lower() == name), None)
    return None


def _header(incoming: Incoming, name: str) -> str | None:
    return next((value for key, value in incoming.headers.items() if key.lower() == name), None)


def _is_json(media_type: str) -> bool:
    return media_type in ("", JSON) or media_type.endswith("+json")


def _written(payload: Json, content_type: str) -> bytes:
    media_type, charset = split_content_type(content_type)
    if _is_json(media_type):
        return orjson.dumps(payload)
    if isinstance(payload, str):
        return payload.encode(charset or "utf-8", "replace")
    if media_type.startswith("text/"):
        return scalar_text(payload).encode(charset or "utf-8", "replace")
    raise misconfigured(f"call: asyncapi: the message is {media_type}; flowrt writes JSON, and text that is a string")


def _read(payload: bytes, content_type: str) -> Json:
    if not payload:
        return None
    media_type, charset = split_content_type(content_type)
    if _is_json(media_type):
        try:
            return orjson.loads(payload)
        except orjson.JSONDecodeError:
            pass
    try:
        return payload.decode(charset or "utf-8")
    except UnicodeDecodeError:
        return b64encode(payload).decode()
