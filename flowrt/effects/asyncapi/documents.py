"""Documents: the AsyncAPI documents that calls refer to, parsed once for as long as they stay the same."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

from flowrt.core.effect import Effect, Json
from flowrt.effects.resources import Resource, Resources

from .document import AsyncDocument, parse_document

_MOST_DOCUMENTS = 64


@dataclass(frozen=True, slots=True)
class _Parsed:
    resource: Resource
    document: AsyncDocument


class Documents:
    """One per runtime; `Resources` fetches and revalidates."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._parsed: OrderedDict[str, _Parsed] = OrderedDict()

    async def load(
        self, address: str, policy: Json, base_uri: str | None, effect: Effect | None = None
    ) -> AsyncDocument:
        """Raises what `Resources.load` raises, and `configuration`/400 for what is no AsyncAPI document."""
        resource = await self._resources.load(address, policy, base_uri, effect)
        kept = self._parsed.get(resource.uri)
        if kept is None or kept.resource.content != resource.content:
            # In a thread: a large document in YAML takes seconds.
            kept = _Parsed(resource, await asyncio.to_thread(parse_document, resource))
            self._parsed[resource.uri] = kept
        self._parsed.move_to_end(resource.uri)
        if len(self._parsed) > _MOST_DOCUMENTS:
            self._parsed.popitem(last=False)
        return kept.document
