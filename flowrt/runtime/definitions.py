"""Definitions: what is deployed, by namespace, name and version, and what instances are pinned to, by digest."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import ParamSpec, TypeVar

from flowrt.compiler import InvalidDefinition, Languages, compile_text, external_documents
from flowrt.core.definition import WorkflowDefinition
from flowrt.stores.protocol import Definition, Store

log = logging.getLogger("flowrt.definitions")

Parameters = ParamSpec("Parameters")
Value = TypeVar("Value")

LARGE = 64 * 1024
"""A document of more bytes would hold the event loop for too long: it is read in a thread."""

FetchResources = Callable[[list[tuple[str, object]], str | None], Awaitable[dict[str, bytes]]]


class UnknownDefinition(Exception):
    """No deployed definition has that name; the message says which there are."""


class Definitions:
    """The deployed definitions of a process."""

    def __init__(
        self,
        store: Store,
        languages: Callable[[dict[str, bytes]], Languages],
        fetch: FetchResources,
        default_catalog: str | None = None,
    ) -> None:
        self._store = store
        self._languages = languages
        self._fetch = fetch
        self._default_catalog = default_catalog
        self._deployed: dict[tuple[str, str], dict[str, WorkflowDefinition]] = {}
        self._by_digest: dict[str, WorkflowDefinition] = {}
        self._kept: set[str] = set()
        self._keeping: dict[str, asyncio.Task[None]] = {}
        self._storing = asyncio.Lock()

    def all(self) -> Iterable[WorkflowDefinition]:
        """Every deployed definition, by namespace, name and version."""
        for key in sorted(self._deployed):
            versions = self._deployed[key]
            yield from (versions[version] for version in sorted(versions, key=version_order))

    def find(self, namespace: str, name: str, version: str | None = None) -> WorkflowDefinition:
        """A deployed definition; without a version (or `latest`) the highest one. Raises `UnknownDefinition`."""
        versions = self._deployed.get((namespace, name), {})
        if version is None or version == "latest":
            if versions:
                return versions[max(versions, key=version_order)]
        elif version in versions:
            return versions[version]
        wanted = ":".join(part for part in (namespace, name, version) if part)
        known = ", ".join(sorted(f"{ns}:{n}" for ns, n in self._deployed)) or "none"
        raise UnknownDefinition(f"no definition '{wanted}' is deployed (deployed: {known})")

    async def compile(self, text: str | bytes, file: str | None, base_uri: str | None) -> WorkflowDefinition:
        """Compiles a text with the external documents it names. Raises `InvalidDefinition`."""
        resources = await self._resources(text, base_uri)
        definition = await _aside(text, compile_text, text, self._languages(resources), file, base_uri)
        if resources:
            definition.source = bundle(definition.source, resources)
        for warning in definition.warnings:
            log.warning("%s: %s", file or definition.id, warning)
        return definition

    async def _resources(self, text: str | bytes, base_uri: str | None) -> dict[str, bytes]:
        """The external documents of a definition, and those that its functions need in turn."""
        found: dict[str, bytes] = {}
        pending = [(text, base_uri)]
        while pending:
            document, base = pending.pop()
            named = await _aside(document, external_documents, document, self._default_catalog)
            wanted = [each for each in named if each.uri not in found]
            fetched = await self._fetch([(each.uri, each.authentication) for each in wanted], base) if wanted else {}
            found.update(fetched)
            pending += [(content, uri) for uri, content in fetched.items()]
        return found

    async def keep(self, definition: WorkflowDefinition, deployed: bool | None = None) -> None:
        """Stores it by digest, so that its instances can go on without the file; once, unless `deployed` is said."""
        if deployed is not None:
            async with self._storing:
                await self._put(definition, deployed)
        elif definition.digest not in self._kept:
            # Who comes meanwhile waits for the same; one of them may be cancelled, the storing is for all.
            await asyncio.shield(self._keeping.get(definition.digest) or self._begin_keeping(definition))

    def _begin_keeping(self, definition: WorkflowDefinition) -> asyncio.Task[None]:
        def forget(done: asyncio.Task[None]) -> None:
            del self._keeping[definition.digest]
            if not done.cancelled():
                # An error that nobody waits for any more is not one that was overlooked.
                done.exception()

        task = self._keeping[definition.digest] = asyncio.create_task(self._keep(definition))
        task.add_done_callback(forget)
        return task

    async def _keep(self, definition: WorkflowDefinition) -> None:
        async with self._storing:
            # One that is stored may have been deployed before a restart: it stays so.
            if await self._store.definition(definition.digest) is None:
                await self._put(definition, False)
            self._kept.add(definition.digest)

    async def _put(self, definition: WorkflowDefinition, deployed: bool) -> None:
        await self._store.put_definition(
            Definition(
                definition.digest,
                definition.namespace,
                definition.name,
                definition.version,
                definition.source,
                deployed,
                definition.base_uri,
            )
        )
        self._kept.add(definition.digest)

    def deploy(self, definition: WorkflowDefinition) -> WorkflowDefinition | None:
        """Serves it from now on; gives what it replaces."""
        versions = self._deployed.setdefault((definition.namespace, definition.name), {})
        replaced = versions.get(definition.version)
        versions[definition.version] = definition
        self._by_digest[definition.digest] = definition
        return replaced if replaced is not None and replaced.digest != definition.digest else None

    def undeploy(self, definition: WorkflowDefinition) -> bool:
        """Serves it no more; its running instances keep it."""
        key = (definition.namespace, definition.name)
        versions = self._deployed.get(key, {})
        found = versions.get(definition.version)
        if found is None or found.digest != definition.digest:
            return False
        del versions[definition.version]
        if not versions:
            del self._deployed[key]
        return True

    async def pinned(self, digest: str) -> WorkflowDefinition | None:
        """The definition of a digest, deployed or not."""
        known = self._by_digest.get(digest)
        if known is not None:
            return known
        stored = await self._store.definition(digest)
        if stored is None:
            return None
        source, resources = unbundle(stored.source)
        try:
            definition = compile_text(source, self._languages(resources), None, stored.base_uri)
        except InvalidDefinition as error:
            log.error("the stored definition %s:%s does not compile any more: %s", stored.namespace, stored.name, error)
            return None
        self._by_digest[digest] = definition
        return definition


async def _aside(
    text: str | bytes,
    function: Callable[Parameters, Value],
    *arguments: Parameters.args,
    **named: Parameters.kwargs,
) -> Value:
    """What the function gives, which reads `text`; a large one beside the event loop."""
    if len(text) <= LARGE:
        return function(*arguments, **named)
    return await asyncio.to_thread(function, *arguments, **named)


def bundle(source: str, resources: Mapping[str, bytes]) -> str:
    """A definition together with the external documents it was compiled with, as one text."""
    encoded = {uri: base64.b64encode(content).decode() for uri, content in resources.items()}
    return json.dumps({"flowrt": 1, "source": source, "resources": encoded})


def unbundle(text: str) -> tuple[str, dict[str, bytes]]:
    """The definition and the external documents of a stored text."""
    if not text.startswith('{"flowrt": 1'):
        return text, {}
    data = json.loads(text)
    return data["source"], {uri: base64.b64decode(content) for uri, content in data["resources"].items()}


def version_order(version: str) -> tuple[tuple[int, int, int], bool, tuple[tuple[bool, int, str], ...]]:
    """A key that sorts semantic versions (semver.org, section 11)."""
    core, _, rest = version.partition("+")[0].partition("-")
    numbers = [int(part) for part in re.findall(r"\d+", core)[:3]]
    major, minor, patch = (*numbers, 0, 0, 0)[:3]
    words = tuple((not w.isdigit(), int(w) if w.isdigit() else 0, w) for w in rest.split(".")) if rest else ()
    return (major, minor, patch), not rest, words
