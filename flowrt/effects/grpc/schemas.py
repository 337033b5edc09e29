"""Schemas: where the description of a service comes from, and the ones already compiled.

Invariant: a proto resource is read for every call and compiled once per content, so a changed file is noticed and an
unchanged one costs nothing; what a server describes is asked once, and again when something is not found in it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

from flowrt.core.effect import Effect, Json
from flowrt.core.fault import Faulted
from flowrt.effects.grpc.method import Method
from flowrt.effects.grpc.protoc import compile_protos
from flowrt.effects.grpc.reflection import reflect
from flowrt.effects.grpc.schema import Schema
from flowrt.effects.grpc.sources import load_sources
from flowrt.effects.resources import Resources

if TYPE_CHECKING:
    from grpc.aio import Channel

_MOST_KEPT = 128


class Schemas:
    """The schemas of one runtime."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._kept: OrderedDict[Hashable, Schema] = OrderedDict()
        self._compiling = asyncio.Lock()

    async def of_resource(
        self, uri: str, authentication: Json | None, base_uri: str | None, effect: Effect | None = None
    ) -> Schema:
        """The schema in a proto resource. Raises `Faulted` when it cannot be loaded or does not compile."""
        sources = await load_sources(self._resources, uri, authentication, base_uri, effect)
        digest = sources.digest
        async with self._compiling:
            if digest not in self._kept:
                files = await asyncio.to_thread(compile_protos, sources)
                self._keep(digest, Schema(files, sources.uri))
            return self._kept[digest]

    async def of_server(
        self,
        channel: Channel,
        service: str,
        name: str,
        metadata: Sequence[tuple[str, str]],
        timeout_s: float | None,
    ) -> Method:
        """The method as the server describes it."""
        key: tuple[Any, ...] = (channel, service)
        if key in self._kept:
            try:
                return self._kept[key].method(service, name)
            except Faulted:
                pass  # the server may have been replaced by one that has it
        self._keep(key, Schema(await reflect(channel, service, metadata, timeout_s), "the server"))
        return self._kept[key].method(service, name)

    def _keep(self, key: Hashable, schema: Schema) -> None:
        self._kept[key] = schema
        if len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
