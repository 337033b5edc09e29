"""The folder: serves every definition under a directory, and follows its files.

The files are looked at as a whole whenever something has changed, and now and then without a notice, so it does not
matter which notice was missed. A definition is served from one file; a file that becomes invalid leaves its last good
definition in place.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flowrt.compiler import InvalidDefinition
from flowrt.core.definition import WorkflowDefinition
from flowrt.runtime.service import Service
from flowrt.stores.protocol import StoreUnavailable

log = logging.getLogger("flowrt.folder")

SUFFIXES = (".yaml", ".yml", ".json")
TESTS = (".test.yaml", ".test.yml", ".test.json")
DEBOUNCE_MS = 200
LOOK_MS = 2000
"""How often it is looked at without a notice."""
LARGEST = 4 * 1024 * 1024
"""Bytes that are read of a file; a definition has fewer."""
WORKFLOW = re.compile(rb"""(?:^|[\s{,"'])(?:document|do)["']?\s*:""")
"""What a file has that was meant to be a workflow: a schema or a configuration may lie beside workflows."""
AGAIN_S = 1.0
"""How long to wait for a folder that is not there, or a store that does not answer."""

Signature = tuple[int, int, int]


@dataclass(slots=True)
class SourceFile:
    """A file as last read."""

    signature: Signature
    text: bytes = b""
    definition: WorkflowDefinition | None = None
    """Its last good one."""
    rival: Path | None = None
    """The file that is served instead, since both have the same name and version."""


class Folder:
    """The definitions under a directory."""

    def __init__(self, service: Service, path: str | Path) -> None:
        self.path = Path(path)
        self._service = service
        self._files: dict[Path, SourceFile] = {}
        self._serving: dict[str, tuple[Path, WorkflowDefinition]] = {}

    @property
    def count(self) -> int:
        """How many definitions are served from it."""
        return len(self._serving)

    async def refresh(self) -> None:
        """Reads what is new or changed, forgets what has gone, and serves what follows from that."""
        found = dict(self._find())
        for path in [path for path in self._files if path not in found]:
            del self._files[path]
        for path, signature in found.items():
            await self._read(path, signature)
        wanted = self._wanted()
        for id_, (path, definition) in list(self._serving.items()):
            if id_ not in wanted:
                await self._service.undeploy(definition)
                del self._serving[id_]
                log.info("%s is served no more (%s); what runs goes on", id_, path)
        for id_, (path, definition) in wanted.items():
            before = self._serving.get(id_)
            if before is None or before[1].digest != definition.digest:
                self._service.serve(definition)
                log.info("%s %s (%s)", "serving" if before is None else "serving anew", id_, path)
            self._serving[id_] = (path, definition)

    async def follow(self, stop: asyncio.Event) -> None:
        """Refreshes whenever something changes, until `stop`."""
        while not stop.is_set():
            try:
                await self.refresh()
                if self.path.is_dir():
                    await self._watch(stop)
            except StoreUnavailable as error:
                log.error("a change of the definitions has to wait: %s", error)
            except OSError as error:
                log.error("%s cannot be watched: %s; looking again in %g s", self.path, error, AGAIN_S)
            await _pause(stop)

    async def _watch(self, stop: asyncio.Event) -> None:
        from watchfiles import awatch

        notices = awatch(
            self.path,
            watch_filter=None,
            debounce=DEBOUNCE_MS,
            rust_timeout=LOOK_MS,
            yield_on_timeout=True,
            stop_event=stop,
            recursive=True,
        )
        async for _ in notices:
            await self.refresh()
            if not self.path.is_dir():
                return

    def _find(self) -> Iterator[tuple[Path, Signature]]:
        for base, folders, names in os.walk(self.path):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                path = Path(base, name)
                if name.endswith(SUFFIXES) and not name.endswith(TESTS) and not name.startswith("."):
                    try:
                        found = path.stat()
                    except OSError:
                        continue
                    yield path, (found.st_ino, found.st_size, found.st_mtime_ns)

    async def _read(self, path: Path, signature: Signature) -> None:
        known = self._files.get(path)
        if known is not None and known.signature == signature:
            return
        file = self._files[path] = known or SourceFile(signature)
        file.signature = signature
        try:
            with path.open("rb") as opened:
                text = opened.read(LARGEST)
        except OSError as error:
            log.error("%s cannot be read: %s", path, error.strerror)
            return
        if text == file.text and known is not None:
            return
        file.text = text
        try:
            file.definition = await self._service.compile(text, str(path), path.resolve().as_uri())
        except InvalidDefinition as error:
            _report(path, file, error)

    def _wanted(self) -> dict[str, tuple[Path, WorkflowDefinition]]:
        """What is to be served: of two files with one name and version the one that is served already."""
        wanted: dict[str, tuple[Path, WorkflowDefinition]] = {}
        serving = {path for path, _ in self._serving.values()}
        for path in sorted(self._files, key=lambda path: (path not in serving, path)):
            file = self._files[path]
            if file.definition is None:
                continue
            id_ = file.definition.id
            rival = wanted.setdefault(id_, (path, file.definition))[0]
            if rival == path:
                file.rival = None
            elif file.rival != rival:
                file.rival = rival
                log.error("%s is not served: %s is served from %s. Change the name or version of one", path, id_, rival)
        return wanted


def _report(path: Path, file: SourceFile, error: InvalidDefinition) -> None:
    if file.definition is None and WORKFLOW.search(file.text) is None:
        log.warning("%s is left out: it has neither 'document' nor 'do', so it is no workflow", path)
        return
    for problem in error.problems:
        log.error("%s", problem)
    count = len(error.problems)
    kept = "nothing" if file.definition is None else f"{file.definition.id} as it was"
    log.error("%s has %d problem%s; %s is served from it", path, count, "s" if count != 1 else "", kept)


async def _pause(stop: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(AGAIN_S):
            await stop.wait()
    except TimeoutError:
        pass
