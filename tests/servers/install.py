"""Fetches what a server needs and this machine lacks: Debian packages, and the cache for everything else.

The cache is outside the tree: `$FLOWRT_TEST_CACHE`, else `~/.cache/flowrt-tests`. A lock per item lets parallel test
processes share it; an item appears there complete or not at all.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_OTHERS_INSTALL_S = 300


class Missing(Exception):
    """What a server needs and cannot be had here, in one line with the way to get it."""


def cache() -> Path:
    folder = Path(os.environ.get("FLOWRT_TEST_CACHE") or Path.home() / ".cache" / "flowrt-tests")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def locked(name: str) -> Iterator[None]:
    with (cache() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def cached(item: str, make: Callable[[Path], None]) -> Path:
    """The item's folder in the cache, made by `make` the first time anybody asks for it."""
    target = cache() / item
    if target.is_dir():
        return target
    with locked(item):
        if not target.is_dir():
            draft = Path(tempfile.mkdtemp(prefix=f"{item}.", dir=cache()))
            try:
                make(draft)
                draft.rename(target)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
    return target


def run(
    command: Sequence[str | Path],
    what: str,
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """The command's output; when it fails, a Missing that names what could not be had and the command's last words."""
    variables = {**os.environ, **(environment or {})}
    done = subprocess.run(command, cwd=folder, env=variables, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        said = " / ".join((done.stderr.strip() or done.stdout.strip() or "nothing said").splitlines()[-3:])
        raise Missing(f"{what}: `{' '.join(map(str, command[:3]))} …` failed: {said}")
    return done.stdout


def program(name: str, *packages: str, folders: Sequence[str] = ()) -> Path:
    """The program, from the path or one of the folders (patterns); installs the Debian packages when it is missing."""
    found = _find(name, folders)
    if found is None:
        _apt_install(name, packages)
        found = _find(name, folders)
    if found is None:
        raise Missing(f"{name} is not among the files of {' '.join(packages)}: install it by hand")
    return found


def _find(name: str, folders: Sequence[str]) -> Path | None:
    for pattern in folders:
        matches = sorted(Path("/").glob(f"{pattern.lstrip('/')}/{name}"))
        if matches:
            return matches[-1]
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin:/usr/local/go/bin")
    return Path(found) if found else None


def _apt_install(name: str, packages: Sequence[str]) -> None:
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise Missing(f"{name} is not installed: sudo {' '.join(command)}")
    # In runlevel 1 a package does not start the server it brings; the tests start their own.
    environment = {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    command += ["-o", f"DPkg::Lock::Timeout={_OTHERS_INSTALL_S}", "-o", "Acquire::Retries=3"]
    with locked("apt"):
        try:
            run(command, name, environment=environment)
        except Missing:  # the lists of packages are missing, or too old
            run(["apt-get", "update"], name)
            run(command, name, environment=environment)
