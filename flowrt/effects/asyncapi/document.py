"""AsyncDocument: an AsyncAPI document as it was read, with its references followed on demand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flowrt.core.fault import Faulted
from flowrt.effects.client.faults import misconfigured
from flowrt.effects.client.messages import shown_url
from flowrt.effects.described import Described

from .broker import NOTHING, Node

_MOST_NAMES = 10


class AsyncDocument(Described):
    """A document of `version` 2 or 3."""

    kind = "AsyncAPI"

    def __init__(self, root: Node, uri: str) -> None:
        super().__init__(root, uri)
        self.version = _version(root, uri)

    def section(self, *names: str) -> Node:
        """The object at these names, empty if it is not there."""
        node: Any = self.root
        for name in names:
            node = node.get(name) if isinstance(node, Mapping) else None
        return NOTHING if node is None else self.resolved(node)

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

    def unknown(self, kind: str, name: str, known: Iterable[str]) -> Faulted:
        """`configuration`/400 for a name that is not there."""
        names = ", ".join(sorted(map(str, known))[:_MOST_NAMES]) or "none"
        return self.fault(f"there is no {kind} {name!r}; there are: {names}")


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
