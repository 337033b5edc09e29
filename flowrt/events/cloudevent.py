"""CloudEvents 1.0: what is a valid event, and its JSON form, which is what the rest of flowrt handles.

Source: CloudEvents specification 1.0.2, "Context Attributes"; JSON event format. An event of version 0.3 is taken, too.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

Json = Any
REQUIRED = ("id", "source", "type")
ATTRIBUTE = re.compile(r"[a-z0-9]+")
TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
LONGEST = 255
"""Characters of id, source and type, as the store's columns have them."""


class InvalidEvent(ValueError):
    """What was given is no CloudEvent; the message says which attribute and why."""


def validate(event: Json) -> dict[str, Json]:
    """The event in its JSON form. Raises `InvalidEvent`."""
    if not isinstance(event, dict):
        raise InvalidEvent("a CloudEvent is a JSON object")
    version = event.get("specversion")
    if version not in ("1.0", "0.3"):
        raise InvalidEvent(f"'specversion' must be '1.0', found {version!r}")
    for name in REQUIRED:
        value = event.get(name)
        if not isinstance(value, str) or not value:
            raise InvalidEvent(f"'{name}' must be a non-empty string, found {value!r}")
        if len(value) > LONGEST or "\x00" in value:
            raise InvalidEvent(f"'{name}' must have at most {LONGEST} characters and no NUL")
    for name, value in event.items():
        _check_attribute(name, value)
    try:
        orjson.dumps(event)
    except (TypeError, ValueError) as error:
        raise InvalidEvent(f"an event must be JSON: {error}") from None
    if "data" in event and event.get("data_base64") is not None:
        raise InvalidEvent("an event has either 'data' or 'data_base64'")
    return event


def _check_attribute(name: str, value: Json) -> None:
    if name in ("data", "data_base64"):
        if name == "data_base64" and not isinstance(value, str):
            raise InvalidEvent("'data_base64' must be a string")
        return
    if not ATTRIBUTE.fullmatch(name):
        raise InvalidEvent(f"'{name}' is no attribute name: lower-case letters and digits only")
    if value is not None and not isinstance(value, str | bool | int):
        raise InvalidEvent(f"the attribute '{name}' must be a string, boolean or integer")
    if name == "time" and value is not None and not (isinstance(value, str) and TIME.fullmatch(value)):
        raise InvalidEvent(f"'time' must be an RFC 3339 timestamp, found {value!r}")
    if (
        name in ("datacontenttype", "dataschema", "subject")
        and value is not None
        and (not isinstance(value, str) or not value)
    ):
        raise InvalidEvent(f"'{name}' must be a non-empty string, found {value!r}")
