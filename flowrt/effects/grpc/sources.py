"""A proto resource with the files it imports, as texts by the names under which they import each other.

Invariants: what cannot be loaded is left out, so that the compiler reports it with its place (it brings the well-known
types itself); no name leaves the folder that the texts are written to.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import urljoin, urlsplit

from flowrt.core.effect import Effect, Json
from flowrt.core.fault import Faulted
from flowrt.effects.resources import Resources

_IMPORT = re.compile(rb'^\s*import\s+(?:public\s+|weak\s+)?"([^"\\\n]+)"\s*;', re.MULTILINE)
_WELL_KNOWN = "google/protobuf/"
_MOST_FILES = 256


@dataclass(frozen=True, slots=True)
class ProtoSources:
    """`main` is the name of the file that describes the service; `uri` where it is from."""

    uri: str
    main: str
    files: Mapping[str, bytes]

    @property
    def digest(self) -> str:
        whole = hashlib.sha256(self.main.encode())
        for name, text in sorted(self.files.items()):
            whole.update(b"%d:%s%d:" % (len(name), name.encode(), len(text)))
            whole.update(text)
        return whole.hexdigest()


async def load_sources(
    resources: Resources, uri: str, authentication: Json | None, base_uri: str | None, effect: Effect | None
) -> ProtoSources:
    """Loads `uri` and, beside it, what it imports. Raises `Faulted` when `uri` itself cannot be loaded."""
    first = await resources.load(uri, authentication, base_uri, effect)
    main = PurePosixPath(urlsplit(first.uri).path).name or "service.proto"
    files = {main: first.content}
    wanted = _imports(first.content)
    for name in wanted:
        if name in files or name.startswith(_WELL_KNOWN) or not _is_inside(name) or len(files) == _MOST_FILES:
            continue
        for place in _places(first.uri, name):
            try:
                found = await resources.load(place, authentication, base_uri, effect)
            except Faulted:
                continue
            files[name] = found.content
            # The list grows while it is walked: imports of imports.
            wanted.extend(_imports(found.content))
            break
    return ProtoSources(first.uri, main, files)


def _imports(text: bytes) -> list[str]:
    return [name.decode("utf-8", "replace") for name in _IMPORT.findall(text)]


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and "\\" not in name


def _places(uri: str, name: str) -> Iterator[str]:
    """Where an import may be: below the folder of the first file, or below the root that its folders seem to have.

    `shop/money.proto` imported by `…/protos/shop/order.proto` is `…/protos/shop/money.proto`.
    """
    yield urljoin(uri, name)
    folders = PurePosixPath(name).parts[:-1]
    above = PurePosixPath(urlsplit(uri).path).parts[:-1]
    for count in range(len(folders), 0, -1):
        if above[-count:] == folders[:count]:
            yield urljoin(uri, "../" * count + name)
