"""Reads one client's settings from its section of the configuration.

Keys are the names of the settings with hyphens, durations without `_s`: `timeouts: {connect: 5s}`, `max-redirects: 3`.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from typing import Any

from .settings import ClientSettings

ToSeconds = Callable[[Any], float | None]

_WORDS: Mapping[type, str] = {int: "a whole number", str: "a text", bool: "true or false"}


def client_settings(values: Mapping[str, Any], to_seconds: ToSeconds) -> ClientSettings:
    """Raises `ValueError` that names the key and what it takes. `to_seconds` reads a duration, None if it is none."""
    read: ClientSettings = _section(ClientSettings, values, to_seconds, "")
    return read


def _section(kind: Any, values: Any, to_seconds: ToSeconds, where: str) -> Any:
    if not isinstance(values, Mapping):
        raise ValueError(f"{where.rstrip('.') or 'the client'} must be an object of settings")
    hints = typing.get_type_hints(kind)
    names = {field.name.removesuffix("_s").replace("_", "-"): field.name for field in fields(kind)}
    members = {}
    for key, value in values.items():
        name = names.get(str(key).replace("_", "-"))
        if name is None:
            near = get_close_matches(str(key), names, 1, 0.0)[0]
            raise ValueError(f"{where}{key} is not a setting of an HTTP client; did you mean {where}{near}?")
        members[name] = _value(hints[name], name, value, to_seconds, f"{where}{key}")
    return kind(**members)


def _value(hint: Any, name: str, value: Any, to_seconds: ToSeconds, where: str) -> Any:
    if is_dataclass(hint):
        return _section(hint, value, to_seconds, f"{where}.")
    union = isinstance(hint, types.UnionType)
    if union and value is None:
        return None
    if name.endswith("_s"):
        seconds = to_seconds(value)
        if seconds is None:
            raise ValueError(f"{where} must be a duration such as 30s, not {value!r}")
        return seconds
    if typing.get_origin(hint) is tuple:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ValueError(f"{where} must be a list of strings")
        return tuple(value)
    if typing.get_origin(hint) is Mapping:
        if not isinstance(value, Mapping) or not all(isinstance(item, str) for item in value.values()):
            raise ValueError(f"{where} must be an object of names and strings")
        return types.MappingProxyType(dict(value))
    kind = typing.get_args(hint)[0] if union else hint
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        # Not the value: it may be a password.
        raise ValueError(f"{where} must be {_WORDS[kind]}, not {type(value).__name__}")
    if kind is int and value < 0:
        raise ValueError(f"{where} must not be negative")
    return value
