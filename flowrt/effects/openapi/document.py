"""ApiDocument: an OpenAPI document as it was read, with its references followed on demand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..client.faults import misconfigured
from ..client.messages import shown_url
from ..described import Described, Node

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


class ApiDocument(Described):
    """A document of `version` `2.0`, `3.0` or `3.1`."""

    kind = "OpenAPI"

    def __init__(self, root: Node, uri: str) -> None:
        super().__init__(root, uri)
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


def _version(root: Node, uri: str) -> str:
    """YAML makes a number of an unquoted `2.0`."""
    written = str(root.get("swagger") or root.get("openapi") or "")
    for version in ("2.0", "3.0", "3.1"):
        if written == version or written.startswith(f"{version}."):
            return version
    found = f"its version is {written!r}" if written else "it has neither `openapi` nor `swagger`"
    raise misconfigured(f"{shown_url(uri)} is not an OpenAPI document of version 2.0, 3.0 or 3.1: {found}")
