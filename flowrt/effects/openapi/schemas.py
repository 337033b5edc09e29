"""What a request body's schema says about the members it takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..described import Node
from .document import ApiDocument

_DEEPEST = 16
"""Compositions nested deeper than this contain themselves."""


def parts(document: ApiDocument, schema: Any, depth: int = 0) -> Iterator[Node]:
    """The schema and every schema that it is composed of, references followed."""
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return
    schema = document.resolved(schema)
    yield schema
    for word in ("allOf", "oneOf", "anyOf"):
        for each in schema.get(word) or ():
            yield from parts(document, each, depth + 1)


def is_object(document: ApiDocument, schema: Any) -> bool:
    """Whether a value of the schema may be an object with members of its own."""
    return any(
        "object" in types(part) or "properties" in part or isinstance(part.get("additionalProperties"), Mapping)
        for part in parts(document, schema)
    )


def properties(document: ApiDocument, schema: Any) -> dict[str, Node]:
    """All members that the schema names, with their schemas."""
    return {
        name: document.resolved(each) if isinstance(each, Mapping) else {}
        for part in parts(document, schema)
        for name, each in (part.get("properties") or {}).items()
    }


def required(document: ApiDocument, schema: Any) -> set[str]:
    """The members that every value must have; those of alternatives are not among them, nor read-only ones."""
    if not isinstance(schema, Mapping):
        return set()
    found: set[str] = set()
    pending, seen = [document.resolved(schema)], 0
    while pending and seen < _DEEPEST:
        part, seen = pending.pop(), seen + 1
        found.update(name for name in part.get("required") or () if isinstance(name, str))
        pending += [document.resolved(each) for each in part.get("allOf") or ()]
    members = properties(document, schema)
    return {name for name in found if not members.get(name, {}).get("readOnly")}


def is_open(document: ApiDocument, schema: Any) -> bool:
    """Whether members that it does not name are welcome."""
    return not any(part.get("additionalProperties") is False for part in parts(document, schema))


def is_binary(schema: Node) -> bool:
    """Whether a form sends a value of the schema as a file."""
    if schema.get("type") == "array" and isinstance(schema.get("items"), Mapping):
        schema = schema["items"]
    return schema.get("type") == "file" or schema.get("format") == "binary" or "contentMediaType" in schema


def types(schema: Node) -> tuple[str, ...]:
    """OpenAPI 3.1 allows several."""
    written = schema.get("type")
    return tuple(written) if isinstance(written, list) else (written,) if isinstance(written, str) else ()
