"""Documents that describe an interface (OpenAPI, AsyncAPI): read once for as long as they stay the same.

Invariants: only references within a document are followed, one at a time, when somebody asks; so a schema that contains
itself is no problem. Whatever is wrong with a document is a `configuration` fault that names it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, ClassVar, Generic, TypeVar
from urllib.parse import unquote

import orjson
import yaml
from jsonpointer import JsonPointerException, resolve_pointer

from flowrt.core.effect import Effect, Json
from flowrt.core.fault import Faulted
from flowrt.effects.client.faults import misconfigured
from flowrt.effects.client.messages import shown_url
from flowrt.effects.resources import Resource, Resources

Node = Mapping[str, Any]

_LONGEST_CHAIN = 32
"""A chain of references longer than this goes round in circles."""
_MOST_DOCUMENTS = 64
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Described:
    """A document as it was read; `uri` is where it was found."""

    kind: ClassVar[str]
    """What it is called: `OpenAPI`."""

    def __init__(self, root: Node, uri: str) -> None:
        self.root = root
        self.uri = uri

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
        return misconfigured(f"{self.kind} document {shown_url(self.uri)}: {what}")

    def _target(self, reference: str) -> Any:
        if not reference.startswith("#"):
            raise self.fault(f"reference {reference!r} leads out of the document; only local ones (#/…) are followed")
        try:
            return resolve_pointer(self.root, unquote(reference[1:]))
        except JsonPointerException:
            raise self.fault(f"reference {reference!r} leads nowhere") from None


D = TypeVar("D", bound=Described)


def read_document(kind: type[D], resource: Resource) -> D:
    """Raises `configuration`/400 for what is neither JSON nor YAML, or not a document of this kind."""
    where = shown_url(resource.uri)
    try:
        root = orjson.loads(resource.content)
    except orjson.JSONDecodeError:
        try:
            root = yaml.load(resource.content, _Loader)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise misconfigured(f"{kind.kind} document {where} is neither JSON nor YAML") from error
    if not isinstance(root, Mapping):
        raise misconfigured(f"{where} is not an {kind.kind} document: it is not an object")
    return kind(root, resource.uri)


class Documents(Generic[D]):
    """The documents of one kind that a runtime's calls refer to; `Resources` fetches and revalidates."""

    def __init__(self, kind: type[D], resources: Resources) -> None:
        self._kind = kind
        self._resources = resources
        self._read: OrderedDict[str, tuple[bytes, D]] = OrderedDict()

    async def load(self, address: str, policy: Json, base_uri: str | None, effect: Effect | None = None) -> D:
        """Raises what `Resources.load` raises, and `configuration`/400 for what is no document of the kind."""
        resource = await self._resources.load(address, policy, base_uri, effect)
        content, document = self._read.get(resource.uri, (None, None))
        if document is None or content != resource.content:
            # In a thread: a large document in YAML takes seconds.
            document = await asyncio.to_thread(read_document, self._kind, resource)
            self._read[resource.uri] = (resource.content, document)
        self._read.move_to_end(resource.uri)
        if len(self._read) > _MOST_DOCUMENTS:
            self._read.popitem(last=False)
        return document
