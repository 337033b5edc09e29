"""One runtime's program: told on a line what to run and for how long, it answers with a line."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from tests.servers.install import Missing

Command = Sequence[str | Path]


@dataclass(frozen=True, slots=True)
class Peer:
    """A runtime that may be had here: `command` fetches what it needs, or raises `Missing` with the reason."""

    name: str
    version: str
    command: Callable[[], Command]


class Program:
    """A peer's process, from `with` to its end."""

    def __init__(self, peer: Peer, log: Path) -> None:
        """Raises `Missing`."""
        self.peer = peer
        self._log = log
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                peer.command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, bufsize=1
            )

    def rate(self, workflow: Path, store: str, concurrency: int, seconds: float) -> float:
        """Instances a second, `concurrency` of them at any time. Raises `Missing` when the program gives up."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(f"{workflow}\t{store}\t{concurrency}\t{seconds}\n")
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            said = [line for line in self._log.read_text(errors="replace").splitlines() if line[:1].strip()]
            raise Missing(f"its program ended: {said[-1] if said else 'nothing said'}")
        ended, took = answer.split("\t")
        return int(ended) / float(took)

    def __enter__(self) -> Program:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()
