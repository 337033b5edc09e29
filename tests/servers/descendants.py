"""A process together with everything it started, as the kernel lists them under /proc."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

_DEATH_S = 10
_DEAD = ("X", "Z")  # gone, or waiting only for its parent to notice


def tree(pid: int) -> list[int]:
    """The process first, then its descendants, and whoever else is left of the session it leads."""
    children: dict[int, list[int]] = {}
    members = [pid]
    for entry in Path("/proc").glob("[0-9]*"):
        child = int(entry.name)
        _, parent, session = _status(child)
        if session == pid != child:
            members.append(child)
        children.setdefault(parent, []).append(child)
    for member in members:
        members.extend(child for child in children.get(member, []) if child not in members)
    return members


def lives(pid: int) -> bool:
    return _status(pid)[0] not in _DEAD


def kill_tree(pid: int) -> None:
    """Returns when the process and all its descendants are dead."""
    members = tree(pid)
    for member in members:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(member, signal.SIGKILL)
    deadline = time.monotonic() + _DEATH_S
    while any(map(lives, members)) and time.monotonic() < deadline:
        time.sleep(0.001)


def _status(pid: int) -> tuple[str, int, int]:
    """The process's state, parent and session."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return "X", 0, 0
    # The program's name is in parentheses and may itself hold spaces and parentheses.
    state, parent, _, session = stat.rpartition(")")[2].split()[:4]
    return state, int(parent), int(session)
