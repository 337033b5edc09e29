"""ApiDocument: an OpenAPI document as it was read, with its references followed on demand.

Invariant: references are followed one at a time, when somebody asks; so a schema that contains itself is no problem.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

import orjson
import yaml

from flowrt.core.fault import Faulted

from ..client.faults import misconfigured
from ..client.messages import shown_url
from ..resources import Resource

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_LONGEST_CHAIN = 32
"""A chain of references longer than this goes round in circles."""

Node = Mapping[str, Any]
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class ApiDocument:
    """A parsed document. `version` is `2.0`, `3.0` or `3.1`; `uri` is where it was found."""

    def __init__(self, root: Node, uri: str) -> None:
        self.root = root
        self.uri = uri
        self.version = _version(root, uri)
        self._places = {
            operation["operationId"]: (path, method, item, operation)
            for path, method, item, operation in self._operations()
            if isinstance(operation.get("operationId"), str)
        }

    def operation(self, operation_id: str) -> tuple[str, str, Node, Node]:
        """Path, method, path item and operation. Raises `configuration`/400 if there is none, naming similar ones."""
        place = self._places.get(operation_id)
        if place is not None:
            return place
        alike = [name for name in self._places if name.lower() == operation_id.lower()]
        known = ", ".join(alike or sorted(self._places)[:10]) or "none"
        raise self.fault(f"there is no operation {operation_id!r}; operations are {known}")

    def resolved(self, node: Any) -> Node:
        """The object that `node` is or refers to."""
        for _ in range(_LONGEST_CHAIN):
            if not isinstance(node, Mapping):
                raise self.fault(f"an object was expected, not {type(node).__name__}")
            reference = node.get("$ref")
            if not isinstance(reference, str):
                return node
            node = self._target(reference)
        raise self.fault("references go round in circles")

    def fault(self, what: str) -> Faulted:
        """`configuration`/400 that names the document."""
        return misconfigured(f"OpenAPI document {shown_url(self.uri)}: {what}")

    def _target(self, reference: str) -> Any:
        if not reference.startswith("#"):
            raise self.fault(f"reference {reference!r} leads out of the document; only local ones (#/…) are followed")
        node: Any = self.root
        for step in unquote(reference[1:]).split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            if isinstance(node, list) and name.isdecimal() and int(name) < len(node):
                node = node[int(name)]
            elif isinstance(node, Mapping) and name in node:
                node = node[name]
            else:
                raise self.fault(f"reference {reference!r} leads nowhere")
        return node

    def _operations(self) -> Iterator[tuple[str, str, Node, Node]]:
        paths = self.root.get("paths") or {}
        for path, item in paths.items() if isinstance(paths, Mapping) else ():
            if not isinstance(item, Mapping) or not str(path).startswith("/"):
                continue
            if str(item.get("$ref", "")).startswith("#"):
                item = self.resolved(item)
            for method in METHODS:
                if isinstance(item.get(method), Mapping):
                    yield str(path), method, item, item[method]


def parse_document(resource: Resource) -> ApiDocument:
    """Raises `configuration`/400 for what is neither JSON nor YAML, or not an OpenAPI document."""
    where = shown_url(resource.uri)
    try:
        root = orjson.loads(resource.content)
    except orjson.JSONDecodeError:
        try:
            root = yaml.load(resource.content, _Loader)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise misconfigured(f"OpenAPI document {where} is neither JSON nor YAML") from error
    if not isinstance(root, Mapping):
        raise misconfigured(f"{where} is not an OpenAPI document: it is not an object")
    return ApiDocument(root, resource.uri)


def _version(root: Node, uri: str) -> str:
    """YAML makes a number of an unquoted `2.0`."""
    written = str(root.get("swagger") or root.get("openapi") or "")
    for version in ("2.0", "3.0", "3.1"):
        if written == version or written.startswith(f"{version}."):
            return version
    found = f"its version is {written!r}" if written else "it has neither `openapi` nor `swagger`"
    raise misconfigured(f"{shown_url(uri)} is not an OpenAPI document of version 2.0, 3.0 or 3.1: {found}")
