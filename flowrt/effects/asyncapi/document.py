"""AsyncDocument: an AsyncAPI document as it was read, with its references followed on demand.

Invariant: only references within the document are followed; whatever is wrong with it is a `configuration` fault that
names the document.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

import orjson
import yaml
from jsonpointer import JsonPointerException, resolve_pointer

from flowrt.core.fault import Faulted
from flowrt.effects.client.faults import misconfigured
from flowrt.effects.client.messages import shown_url
from flowrt.effects.resources import Resource

from .broker import NOTHING, Node

_LONGEST_CHAIN = 32
"""A chain of references longer than this goes round in circles."""
_MOST_NAMES = 10
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class AsyncDocument:
    """A parsed document. `version` is 2 or 3; `uri` is where it was found."""

    def __init__(self, root: Node, uri: str) -> None:
        self.root = root
        self.uri = uri
        self.version = _version(root, uri)

    def section(self, *names: str) -> Node:
        """The object at these names, empty if it is not there."""
        node: Any = self.root
        for name in names:
            node = node.get(name) if isinstance(node, Mapping) else None
        return NOTHING if node is None else self.resolved(node)

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

    def member(self, node: Node, name: str) -> Node:
        """A member of an object, followed; empty if it is not there."""
        found = node.get(name)
        return NOTHING if found is None else self.resolved(found)

    def with_traits(self, node: Node) -> Node:
        """The object with its traits merged in. What both define: in version 2 the trait wins, in 3 the object."""
        traits: dict[str, Any] = {}
        for trait in node.get("traits") or ():
            traits = _merged(traits, self.resolved(trait))
        return (_merged(dict(node), traits) if self.version == 2 else _merged(traits, node)) if traits else node

    def fault(self, what: str) -> Faulted:
        """`configuration`/400 that names the document."""
        return misconfigured(f"AsyncAPI document {shown_url(self.uri)}: {what}")

    def unknown(self, kind: str, name: str, known: Iterable[str]) -> Faulted:
        """`configuration`/400 for a name that is not there."""
        names = ", ".join(sorted(map(str, known))[:_MOST_NAMES]) or "none"
        return self.fault(f"there is no {kind} {name!r}; there are: {names}")

    def _target(self, reference: str) -> Any:
        if not reference.startswith("#"):
            raise self.fault(f"reference {reference!r} leads out of the document; only local ones (#/…) are followed")
        try:
            return resolve_pointer(self.root, unquote(reference[1:]))
        except JsonPointerException:
            raise self.fault(f"reference {reference!r} leads nowhere") from None


def parse_document(resource: Resource) -> AsyncDocument:
    """Raises `configuration`/400 for what is neither JSON nor YAML, or not an AsyncAPI document."""
    where = shown_url(resource.uri)
    try:
        root = orjson.loads(resource.content)
    except orjson.JSONDecodeError:
        try:
            root = yaml.load(resource.content, _Loader)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise misconfigured(f"AsyncAPI document {where} is neither JSON nor YAML") from error
    if not isinstance(root, Mapping):
        raise misconfigured(f"{where} is not an AsyncAPI document: it is not an object")
    return AsyncDocument(root, resource.uri)


def _version(root: Node, uri: str) -> int:
    written = str(root.get("asyncapi") or "")
    for version in (2, 3):
        if written.startswith(f"{version}."):
            return version
    found = f"its version is {written!r}" if written else "it has no `asyncapi`"
    raise misconfigured(f"{shown_url(uri)} is not an AsyncAPI document of version 2 or 3: {found}")


def _merged(under: dict[str, Any], over: Node) -> dict[str, Any]:
    """RFC 7396, as far as traits need it: what is in `over` wins, objects are merged member by member."""
    result = dict(under)
    for name, value in over.items():
        before = result.get(name)
        both = isinstance(value, Mapping) and isinstance(before, Mapping)
        result[name] = _merged(dict(before), value) if both else value  # type: ignore[arg-type]
    return result
