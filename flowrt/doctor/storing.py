"""The store: it is there, this program can use it, it keeps what it takes.

Nothing in it is changed. One that is a file and does not exist yet is not made: its folder must be writable then.
"""

from __future__ import annotations

import logging
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from flowrt.assemble import make_store, store_settings
from flowrt.config.model import Config
from flowrt.doctor.findings import Finding, error, ok, warning
from flowrt.stores.protocol import StoreRefused, StoreUnavailable

LEAST_FREE = 1 << 30
SLOW_SYNC_S = 0.05
SYNCS = 7
VOLATILE = ("tmpfs", "ramfs")
SERVED = "is served by another process"


async def store(config: Config) -> AsyncIterator[Finding]:
    """Reachable, migrated, durable."""
    try:
        path = _path(config)
        if path is not None and not (any(path.glob("*.lmdb")) if path.is_dir() else path.exists()):
            yield _creatable(path, store_settings(config.storage)[0])
            return
        target: Any = make_store(config)
        if hasattr(target, "connect"):
            async for finding in _schema(target):
                yield finding
        else:
            async for finding in _opened(target):
                yield finding
    except StoreRefused as refused:
        yield warning("store", str(refused)) if SERVED in str(refused) else error("store", str(refused))
    except StoreUnavailable as unavailable:
        yield error("store", str(unavailable))


def disk(config: Config) -> Iterator[Finding]:
    """Room and speed of the disk, where the store is a file."""
    try:
        path = _path(config)
    except StoreRefused:  # said by `store`
        return
    if path is None:
        return
    there = next(each for each in (path, *path.parents) if each.is_dir())
    free = shutil.disk_usage(there).free
    amount = f"{free / (1 << 30):.1f} GiB free at {there}"
    yield ok("disk", amount) if free >= LEAST_FREE else warning("disk", f"only {amount}")
    system = _file_system(there)
    if system in VOLATILE:
        yield error("disk", f"{there} is in memory ({system}): nothing in it outlives this machine's restart")
        return
    try:
        sync_s = _sync_s(there)
    except OSError as failure:
        yield error("disk", f"{there} cannot be written to: {failure.strerror}")
        return
    message = f"a write is safe after {sync_s * 1000:.1f} ms (fsync at {there})"
    yield ok("disk", message) if sync_s < SLOW_SYNC_S else warning("disk", f"{message}: every commit waits for that")


async def _opened(target: Any) -> AsyncIterator[Finding]:
    with _warnings() as said:
        await target.open()
        try:
            reason = await target.check()
            information = await target.info()
        finally:
            await target.close()
    if reason is not None:
        yield error("store", reason)
        return
    yield _reached(information)
    for line in said:
        yield warning("store", line)


async def _schema(target: Any) -> AsyncIterator[Finding]:
    """A database: its schema is only looked at, never changed."""
    from flowrt.stores import migrations

    try:
        standings = await migrations.status(await target.connect())
        reason = migrations.behind(standings)
        if reason is None:
            yield ok("migrations", f"the schema is up to date (V{max(each.version for each in standings)})")
            information = await target.info()
            yield _reached(information)
            if information.get("warning"):
                yield warning("store", str(information["warning"]))
        elif target.settings.migrates:
            yield ok("migrations", f"{reason}; applied when the server starts")
        else:
            yield error("migrations", f"{reason}; run: flowrt db migrate")
    finally:
        await target.close()


def _reached(information: dict[str, Any]) -> Finding:
    place = information.get("place") or information.get("path")
    version = f" {information['version']}" if information.get("version") else ""
    said = f"{information['store']}{version}{f' at {place}' if place else ''}"
    return ok("store", said) if information.get("durable") else warning("store", f"{said}: not durable")


def _creatable(path: Path, kind: str) -> Finding:
    there = next(each for each in (path, *path.parents) if each.exists())
    if kind == "sqlite" and there != path.parent:
        return error("store", f"the folder {path.parent} does not exist, and SQLite makes none")
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        return ok("store", f"{path} holds nothing yet; it will be made")
    return error("store", f"{path} holds nothing yet, and {there} cannot be written to")


def _path(config: Config) -> Path | None:
    """Where a store is that is a file, or a folder of files."""
    kind, settings = store_settings(config.storage)
    if kind not in ("file", "sqlite"):
        return None
    path = settings if isinstance(settings, str) else settings.path
    if ":" in path:
        parts = urlsplit(path)
        path = unquote(parts.netloc + (parts.path if kind == "file" else parts.path.removeprefix("/")))
    return Path(path).absolute()


def _sync_s(folder: Path) -> float:
    """How long a small durable write takes."""
    times = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(SYNCS):
            began = time.perf_counter()
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - began)
    return statistics.median(times)


def _file_system(folder: Path) -> str | None:
    """The kind of the file system that a folder is on, where the system tells."""
    try:
        lines = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    mounts = [(Path(fields[1].replace("\\040", " ")), fields[2]) for line in lines if len(fields := line.split()) > 2]
    real = folder.resolve()
    inside = [(len(place.parts), at, kind) for at, (place, kind) in enumerate(mounts) if real.is_relative_to(place)]
    return max(inside)[2] if inside else None


@contextmanager
def _warnings() -> Iterator[list[str]]:
    """What flowrt's own loggers warn of meanwhile, instead of saying it on stderr."""
    said: list[str] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    logger, handler = logging.getLogger("flowrt"), Collect(logging.WARNING)
    propagates, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield said
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagates
