"""Schemas: which of a document's messages a payload and its headers are, by JSON Schema.

Invariant: schemas in other formats (Avro, Protobuf, RAML) judge nothing: their messages take what they are given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flowrt.core.effect import Json
from flowrt.core.fault import Fault, Faulted

from .broker import NOTHING, Node
from .document import AsyncDocument

_FORMATS = ("application/vnd.aai.asyncapi", "application/schema+json", "application/schema+yaml")


def choose_message(
    document: AsyncDocument, messages: Sequence[Node], payload: Json, headers: Mapping[str, str]
) -> Node:
    """The first message that payload and headers fit. Raises `validation`/400 when they fit none."""
    wrong: list[str] = []
    for message in messages:
        problem = _problem(document, message, payload, headers)
        if problem is None:
            return message
        name = message.get("name") or message.get("messageId")
        wrong.append(f"{name}: {problem}" if name and len(messages) > 1 else problem)
    if not wrong:
        return NOTHING
    raise Faulted(Fault.of("validation", f"The message breaks its schema: {'; '.join(wrong)}"))


def _problem(document: AsyncDocument, message: Node, payload: Json, headers: Mapping[str, str]) -> str | None:
    schema, format_ = message.get("payload"), message.get("schemaFormat")
    if isinstance(schema, Mapping) and "schema" in schema and "schemaFormat" in schema:  # version 3
        schema, format_ = schema["schema"], schema["schemaFormat"]
    if isinstance(schema, Mapping | bool) and (format_ is None or str(format_).startswith(_FORMATS)):
        if (problem := _check(document, schema, payload, "payload")) is not None:
            return problem
    required = document.member(message, "headers").get("required") or ()
    known = {name.lower() for name in headers}
    missing = [name for name in required if str(name).lower() not in known]
    return f"header {missing[0]!r} is missing" if missing else None


def _check(document: AsyncDocument, schema: Any, value: Json, what: str) -> str | None:
    import jsonschema_rs

    # The whole document stands around the schema, so that references from within it are found.
    around = {name: node for name, node in document.root.items() if name in ("components", "channels")}
    whole = {"allOf": [schema], **around}
    try:
        # Masked, for the payload may hold what nobody else may see.
        validator = jsonschema_rs.Draft7Validator(whole, mask="the value", retriever=_refuse)
        error = next(iter(validator.iter_errors(value)), None)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, TypeError, ValueError) as broken:
        raise document.fault(f"the schema of the {what} cannot be used: {str(broken).splitlines()[0]}") from broken
    if error is None:
        return None
    where = "".join(f"/{step}" for step in error.instance_path)
    return f"{what}{where}: {error.message}"


def _refuse(uri: str) -> Any:
    raise ValueError(f"{uri} lies outside the document")
