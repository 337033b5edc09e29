"""Reads an operation from an OpenAPI 3.0 or 3.1 document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from ..client.encoding import JSON
from ..described import Node
from . import schemas
from .document import ApiDocument
from .media_types import accepted, preferred
from .operation import DEFAULT_STYLES, BodyField, Operation, Parameter, Place, RequestBody, place_of, style_of

_VARIABLE = re.compile(r"\{([^{}]+)\}")


def read_openapi3(document: ApiDocument, operation_id: str) -> Operation:
    path, method, item, operation = document.operation(operation_id)
    return Operation(
        id=operation_id,
        method=method,
        url=f"{_server(document, item, operation)}{path}",
        parameters=tuple(_parameters(document, item, operation)),
        body=_body(document, operation),
        api_keys=_api_keys(document, operation),
        accept=accepted(_answers(document, operation)),
    )


def _server(document: ApiDocument, item: Node, operation: Node) -> str:
    """The first server of the operation, else of its path, else of the document; relative to the document."""
    servers = operation.get("servers") or item.get("servers") or document.root.get("servers") or [{"url": "/"}]
    server = document.resolved(servers[0])
    variables = server.get("variables") or {}

    def value(match: re.Match[str]) -> str:
        variable = variables.get(match[1])
        if not isinstance(variable, Mapping) or "default" not in variable:
            raise document.fault(f"the server's variable {match[1]!r} has no default")
        return str(variable["default"])

    url = urljoin(document.uri, _VARIABLE.sub(value, str(server.get("url") or "/")))
    if urlsplit(url).scheme not in ("http", "https"):
        raise document.fault(
            f"its server {server.get('url')!r} is relative, and a document read from a file has no host; "
            "add a server with an absolute http or https address"
        )
    return url.rstrip("/")


def _parameters(document: ApiDocument, item: Node, operation: Node) -> list[Parameter]:
    found: dict[tuple[str, Place], Parameter] = {}
    for node in [*(item.get("parameters") or ()), *(operation.get("parameters") or ())]:
        node = document.resolved(node)
        name, place = node.get("name"), place_of(node.get("in"))
        if not isinstance(name, str) or place is None:
            raise document.fault(f"a parameter of {operation.get('operationId')} has no name or no place")
        style = style_of(node.get("style"), DEFAULT_STYLES[place])
        found[name, place] = Parameter(
            name=name,
            place=place,
            required=bool(node.get("required")) or place == "path",
            style=style,
            explode=bool(node.get("explode", style in ("form", "deepObject"))),
            allow_reserved=bool(node.get("allowReserved")),
            as_json=bool(node.get("content")),
        )
    return list(found.values())


def _body(document: ApiDocument, operation: Node) -> RequestBody | None:
    if not operation.get("requestBody"):
        return None
    node = document.resolved(operation["requestBody"])
    content = node.get("content") or {}
    offered = preferred(content)
    media = content[offered] if offered is not None and isinstance(content[offered], Mapping) else {}
    schema = media.get("schema")
    required = schemas.required(document, schema)
    encodings = media.get("encoding") or {}
    return RequestBody(
        media_type=JSON if offered is None or "*" in offered else offered,
        required=bool(node.get("required")),
        is_object=schemas.is_object(document, schema),
        fields={
            name: _field(member, encodings.get(name) or {}, name in required)
            for name, member in schemas.properties(document, schema).items()
        },
        is_open=schemas.is_open(document, schema),
    )


def _field(schema: Node, encoding: Mapping[str, Any], required: bool) -> BodyField:
    style = style_of(encoding.get("style"), "form")
    content_type = encoding.get("contentType")
    return BodyField(
        required=required,
        style=style,
        explode=bool(encoding.get("explode", style == "form")),
        is_file=schemas.is_binary(schema),
        # Of several types or a range, we cannot know which the value is.
        content_type=content_type if content_type and not set(content_type) & set(",*") else None,
    )


def _api_keys(document: ApiDocument, operation: Node) -> tuple[Parameter, ...]:
    schemes = (document.root.get("components") or {}).get("securitySchemes") or {}
    wanted = operation.get("security", document.root.get("security")) or ()
    named = [document.resolved(schemes[name]) for choice in wanted for name in choice if name in schemes]
    return tuple(
        Parameter(node["name"], place, style=DEFAULT_STYLES[place])
        for node in named
        if node.get("type") == "apiKey" and (place := place_of(node.get("in"))) is not None
    )


def _answers(document: ApiDocument, operation: Node) -> list[str]:
    """The media types of the answers that are not errors."""
    responses = operation.get("responses") or {}
    good = [document.resolved(node) for status, node in responses.items() if str(status)[:1] in ("2", "d")]
    return [media_type for node in good for media_type in node.get("content") or {}]
