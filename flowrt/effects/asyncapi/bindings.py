"""Bindings: the values that a document's protocol bindings give, which may be written as schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowrt.core.effect import Json

from .broker import Node, Outgoing
from .message import located


def text(node: Node, name: str) -> str | None:
    """A binding that names something."""
    value = constant(node.get(name))
    return None if value is None else str(value)


def number(node: Node, name: str) -> int | None:
    """A binding that counts something."""
    value = node.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def flag(node: Node, name: str, default: bool) -> bool:
    """A binding that is on or off."""
    value = node.get(name)
    return value if isinstance(value, bool) else default


def inner(node: Node, name: str) -> Node:
    """A binding that is an object."""
    value = node.get(name)
    return value if isinstance(value, Mapping) else {}


def constant(value: Json) -> Json:
    """A plain value; or the only one that a schema allows, or its default; null for a schema that leaves it open."""
    if not isinstance(value, Mapping):
        return value
    allowed: Any = value.get("enum")
    if isinstance(allowed, list) and len(allowed) == 1:
        return allowed[0]
    return value.get("const", value.get("default"))


def of_message(value: Json, message: Outgoing) -> str | None:
    """A value that is constant, or stands in the message where a runtime expression says (`$message.payload#/id`)."""
    if isinstance(value, str) and value.startswith("$message."):
        found = located(value, message.content, message.all_headers)
    else:
        found = constant(value)
    return None if found is None else str(found)
