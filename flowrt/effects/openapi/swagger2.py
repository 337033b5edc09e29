"""Reads an operation from a Swagger 2.0 document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ..client.encoding import FORM, JSON, MULTIPART
from ..described import Node
from . import schemas
from .document import ApiDocument
from .media_types import accepted, preferred
from .operation import BodyField, Operation, Parameter, RequestBody, Style

_COLLECTIONS: Mapping[str, tuple[Style, bool]] = {
    "csv": ("form", False),
    "ssv": ("spaceDelimited", False),
    "tsv": ("tabDelimited", False),
    "pipes": ("pipeDelimited", False),
    "multi": ("form", True),
}


def read_swagger2(document: ApiDocument, operation_id: str) -> Operation:
    path, method, item, operation = document.operation(operation_id)
    root = document.root
    nodes = _merged(document, item, operation)
    produced = operation.get("produces") or root.get("produces") or []
    return Operation(
        id=operation_id,
        method=method,
        url=f"{_server(document, operation)}{path}",
        parameters=tuple(_parameter(node) for node in nodes if node["in"] in ("path", "query", "header")),
        body=_body(document, nodes, operation.get("consumes") or root.get("consumes") or []),
        api_keys=_api_keys(document, operation),
        accept=accepted(produced),
    )


def _merged(document: ApiDocument, item: Node, operation: Node) -> list[Node]:
    found: dict[tuple[str, str], Node] = {}
    for node in [*(item.get("parameters") or ()), *(operation.get("parameters") or ())]:
        node = document.resolved(node)
        if not isinstance(node.get("name"), str) or not isinstance(node.get("in"), str):
            raise document.fault(f"a parameter of {operation.get('operationId')} has no name or no place")
        found[node["name"], node["in"]] = node
    return list(found.values())


def _server(document: ApiDocument, operation: Node) -> str:
    """What the document leaves out is as where it was found."""
    root, here = document.root, urlsplit(document.uri)
    schemes = [str(each) for each in operation.get("schemes") or root.get("schemes") or ()]
    usable = [scheme for scheme in (here.scheme, "https", "http") if scheme in schemes]
    scheme = usable[0] if usable else here.scheme
    host = str(root.get("host") or here.netloc.rpartition("@")[2])
    if scheme not in ("http", "https") or not host:
        raise document.fault("it names no host, and a document read from a file has none of its own; add `host`")
    base = str(root.get("basePath") or "").strip("/")
    return f"{scheme}://{host}/{base}".rstrip("/")


def _parameter(node: Node) -> Parameter:
    style, explode = _collection(node)
    if node["in"] != "query" and style == "form":
        style, explode = "simple", False
    return Parameter(node["name"], node["in"], bool(node.get("required")), style, explode)


def _collection(node: Node) -> tuple[Style, bool]:
    return _COLLECTIONS.get(str(node.get("collectionFormat") or "csv"), ("form", False))


def _body(document: ApiDocument, nodes: list[Node], consumed: list[Any]) -> RequestBody | None:
    whole = next((node for node in nodes if node["in"] == "body"), None)
    if whole is not None:
        schema = whole.get("schema")
        required = schemas.required(document, schema)
        return RequestBody(
            media_type=preferred(consumed) or JSON,
            required=bool(whole.get("required")),
            whole=(whole["name"], "body"),
            is_object=schemas.is_object(document, schema),
            fields={name: BodyField(name in required) for name in schemas.properties(document, schema)},
            is_open=schemas.is_open(document, schema),
        )
    form = [node for node in nodes if node["in"] == "formData"]
    if not form:
        return None
    has_files = any(node.get("type") == "file" for node in form)
    return RequestBody(
        media_type=MULTIPART if has_files or (MULTIPART in consumed and FORM not in consumed) else FORM,
        required=any(node.get("required") for node in form),
        whole=(),
        is_object=True,
        fields={node["name"]: _form_field(node) for node in form},
        is_open=False,
    )


def _form_field(node: Node) -> BodyField:
    style, explode = _collection(node)
    return BodyField(bool(node.get("required")), style, explode, node.get("type") == "file")


def _api_keys(document: ApiDocument, operation: Node) -> tuple[Parameter, ...]:
    definitions = document.root.get("securityDefinitions") or {}
    wanted = operation.get("security", document.root.get("security")) or ()
    named = [document.resolved(definitions[name]) for choice in wanted for name in choice if name in definitions]
    return tuple(
        Parameter(node["name"], node["in"], style="form" if node["in"] == "query" else "simple")
        for node in named
        if node.get("type") == "apiKey" and node.get("in") in ("query", "header")
    )
