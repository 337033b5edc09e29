"""The machine that figures are from: processors, memory, system, and the versions of what was measured."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from flowrt.version import VERSION

_SERVERS = {"redis-server": "Redis", "postgres": "PostgreSQL", "mariadbd": "MariaDB", "java": "Java", "cargo": "Rust"}
_LIBRARIES = ("jq", "orjson", "lmdb", "uvloop", "httptools", "SQLAlchemy", "asyncpg", "redis")


class Processors:
    """What became of the processors' time between `with` and its end, as shares of all there was."""

    busy = stolen = 0.0
    """Spent on this machine; and spent by its host on other machines while this one had work to do."""

    def __enter__(self) -> Processors:
        self._before = _ticks()
        return self

    def __exit__(self, *_: object) -> None:
        spent = [after - before for before, after in zip(self._before, _ticks(), strict=True)]
        user, nice, system, _idle, _waiting, interrupts, soft, stolen = spent
        self.busy = (user + nice + system + interrupts + soft) / (sum(spent) or 1)
        self.stolen = stolen / (sum(spent) or 1)


def _ticks() -> list[int]:
    # proc_stat(5); guests are part of the user's time.
    with Path("/proc/stat").open() as stat:
        return [int(each) for each in stat.readline().split()[1:9]]


def described() -> Iterator[tuple[str, str]]:
    """What there is, and which."""
    found = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    yield (
        "processor",
        f"{os.cpu_count()} cores, {found[1] if found else platform.machine()}, {memory:.0f} GiB of memory",
    )
    yield "system", f"{platform.system()} {platform.release()}"
    yield "load", f"{os.getloadavg()[0]:.1f} when the run began (1 is one core busy with something else)"
    yield "flowrt", f"{VERSION}, Python {platform.python_version()}"
    yield "libraries", ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    yield "servers and tools", ", ".join(_versions())


def _versions() -> Iterator[str]:
    for program, name in _SERVERS.items():
        folders = f"{os.environ.get('PATH', '')}:/usr/sbin:{Path.home()}/.cargo/bin"
        path = shutil.which(program, path=folders)
        if path is not None:
            said = subprocess.run([path, "--version"], capture_output=True, text=True)
            number = re.search(r"\d+\.\d+(\.\d+)*", said.stdout + said.stderr)
            if number is not None:
                yield f"{name} {number[0]}"
