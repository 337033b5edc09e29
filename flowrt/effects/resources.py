"""Resources: the external documents that definitions refer to, from the web or from files.

Invariants: what is kept is asked for again once it is no longer fresh; a definition reads files from its own folder and
those the operator names, nowhere else unless the operator allows it.
Source: dsl-reference.md, "External Resource".
"""

from __future__ import annotations

import asyncio
import mimetypes
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from flowrt.core.effect import Effect, Json
from flowrt.core.fault import Fault, Faulted

from .auth import Authentication
from .auth.policy import policy_digest
from .client import Request, Response
from .client.decoding import status_fault
from .client.encoding import split_content_type
from .client.faults import bad_answer, misconfigured, refused
from .client.flight import SingleFlight
from .client.freshness import conditions, fresh_until
from .client.messages import Headers, shown_url
from .client.raw_addresses import raw_addresses

_ACCEPT = "application/json, application/yaml;q=0.9, text/yaml;q=0.9, */*;q=0.5"
_NOT_MODIFIED, _NOT_FOUND = 304, 404


@dataclass(frozen=True, slots=True)
class ResourceSettings:
    """What an operator sets for resources."""

    allow_files: bool = False
    """Whether definitions may read any file; their own folder and `folders` are always open to them."""
    folders: tuple[str, ...] = ()
    max_bytes: int = 8 * 1024 * 1024
    fresh_s: float = 60.0
    """For servers that do not say how long their answer holds."""
    cache_bytes: int = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Resource:
    """A document as it came. `uri` is where it was found at last, for references relative to it."""

    content: bytes
    media_type: str
    uri: str


@dataclass(slots=True)
class _Kept:
    resource: Resource
    response: Response
    fresh_until: float


class Resources:
    """One per runtime; all definitions share what it keeps."""

    def __init__(
        self,
        authentication: Authentication,
        settings: ResourceSettings | None = None,
        *,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._authentication = authentication
        self._settings = settings or ResourceSettings()
        self._wall_clock = wall_clock
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._kept_bytes = 0
        self._flight: SingleFlight[Resource] = SingleFlight()

    async def load(
        self, uri: str, authentication: Json | None = None, base_uri: str | None = None, effect: Effect | None = None
    ) -> Resource:
        """The resource at `uri`, an `http`, `https` or `file` address or one relative to `base_uri`.

        Raises `communication` with the server's status (404 for a missing file), `authorization`/403 for a file or host
        that is off limits, `configuration`/400 for an address that cannot be used.
        """
        address = resolve(uri, base_uri)
        if address.startswith("file:"):
            return await asyncio.to_thread(self._read, address, base_uri)
        key = f"{address} {policy_digest(authentication) if authentication is not None else ''}"
        kept = self._kept.get(key)
        if kept is not None and self._wall_clock() < kept.fresh_until:
            self._kept.move_to_end(key)
            return kept.resource
        return await self._flight.run(key, lambda: self._fetch(key, address, authentication, effect))

    def _read(self, address: str, base_uri: str | None) -> Resource:
        path = Path(unquote(urlsplit(address).path)).resolve()
        folders = [Path(folder).resolve() for folder in self._settings.folders]
        if base_uri is not None and (base := _absolute(base_uri)).startswith("file:"):
            folders.append(Path(unquote(urlsplit(base).path)).resolve().parent)
        if not self._settings.allow_files and not any(path.is_relative_to(folder) for folder in folders):
            raise refused(
                f"resource {address} is a file outside the definition's own folder; "
                "definitions may read others only if files are allowed (resources.allow-files)"
            )
        try:
            with path.open("rb") as file:
                content = file.read(self._settings.max_bytes + 1)
        except OSError as error:
            detail = f"resource {address} cannot be read: {error.strerror}"
            raise Faulted(Fault.of("communication", detail, status=_NOT_FOUND, title="Not Found")) from error
        if len(content) > self._settings.max_bytes:
            raise misconfigured(f"resource {address} is larger than {self._settings.max_bytes} bytes")
        return Resource(content, mimetypes.guess_type(path.name)[0] or "", address)

    async def _fetch(self, key: str, address: str, policy: Json | None, effect: Effect | None) -> Resource:
        kept = self._kept.get(key)
        headers: Headers = (("Accept", _ACCEPT),)
        candidates = raw_addresses(address)
        for candidate in candidates:
            request = Request(
                "GET", candidate, headers + (conditions(kept.response) if kept else ()), follow_redirects=True
            )
            response = (await self._authentication.send(request, policy, effect)).response
            if response.status != _NOT_FOUND:
                break
        if kept is not None and response.status == _NOT_MODIFIED:
            self._keep(key, kept.resource, response)
            return kept.resource
        if not 200 <= response.status < 300:
            fault = status_fault(request, response)
            detail = f"resource {shown_url(address)}: {request.shown()} answered {response.status} {fault.title}"
            raise Faulted(Fault.of("communication", detail, status=fault.status, title=fault.title))
        if len(response.content) > self._settings.max_bytes:
            raise bad_answer(request, f"the resource is larger than {self._settings.max_bytes} bytes")
        media_type = split_content_type(response.header("content-type"))[0]
        resource = Resource(response.content, media_type, response.url)
        self._keep(key, resource, response)
        return resource

    def _keep(self, key: str, resource: Resource, response: Response) -> None:
        previous = self._kept.pop(key, None)
        if previous is not None:
            self._kept_bytes -= len(previous.resource.content)
        until = fresh_until(response, self._wall_clock(), self._settings.fresh_s)
        if until is None:
            return
        # A 304 need not repeat the validators that it confirms.
        confirmed = response if conditions(response) or previous is None else previous.response
        self._kept[key] = _Kept(resource, confirmed, until)
        self._kept_bytes += len(resource.content)
        while self._kept_bytes > self._settings.cache_bytes:
            _, dropped = self._kept.popitem(last=False)
            self._kept_bytes -= len(dropped.resource.content)


def resolve(uri: str, base_uri: str | None) -> str:
    """`uri` as an absolute address. Raises `configuration`/400 if it cannot be one of `http`, `https` or `file`."""
    try:
        address = urljoin(_absolute(base_uri), uri) if base_uri else uri
        scheme = urlsplit(address).scheme
    except ValueError as error:
        raise misconfigured(f"resource {uri!r} is not an address: {error}") from error
    if not scheme:
        raise misconfigured(f"resource {uri!r} is relative, but where the definition was read from is not known")
    if scheme not in ("http", "https", "file"):
        raise misconfigured(f"resource {shown_url(uri)!r} has the scheme {scheme}; http, https and file can be loaded")
    return address


def _absolute(base_uri: str) -> str:
    return base_uri if urlsplit(base_uri).scheme else Path(base_uri).resolve().as_uri()
