"""Ends the servers, and removes the folders, that a test process leaves behind when it ends or dies.

A child process holds the reading end of a pipe whose only writing end is in the test process: when that process is
gone, however it went, the pipe closes and the child deals with every server and folder it was told of.
"""

import atexit
import shutil
import subprocess
import sys
from pathlib import Path

from .descendants import kill_tree

_guard: subprocess.Popen[bytes] | None = None


def watch(pid: int) -> None:
    _tell(f"+{pid}\n")


def forget(pid: int) -> None:
    _tell(f"-{pid}\n")


def remove_at_the_end(folder: Path) -> None:
    _tell(f"/{folder}\n")


def _tell(line: str) -> None:
    global _guard
    if _guard is None:
        importable_from = Path(__file__).resolve().parents[__name__.count(".")]
        command = [sys.executable, "-m", __name__]
        _guard = subprocess.Popen(command, cwd=importable_from, stdin=subprocess.PIPE, start_new_session=True)
        atexit.register(_close)
    assert _guard.stdin is not None
    _guard.stdin.write(line.encode())
    _guard.stdin.flush()


def _close() -> None:
    if _guard is not None and _guard.stdin is not None:
        _guard.stdin.close()
        _guard.wait()


def _main() -> None:
    servers: set[int] = set()
    folders: list[str] = []
    for line in sys.stdin:
        sign, what = line[0], line[1:].rstrip("\n")
        if sign == "+":
            servers.add(int(what))
        elif sign == "-":
            servers.discard(int(what))
        else:
            folders.append(what)
    for pid in servers:
        kill_tree(pid)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    _main()
