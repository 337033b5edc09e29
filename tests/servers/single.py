"""A server that is one program: what is left to each is its command, its files and how it shows that it is ready."""

import signal
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from .install import Missing
from .process import ServerFailed, ServerProcess


class SingleProcessServer(ABC):
    name: str
    ready_within_s: float = 120
    stop_signal = signal.SIGTERM
    user: str | None = None

    def __init__(self) -> None:
        self._process: ServerProcess | None = None

    @property
    @abstractmethod
    def url(self) -> str: ...

    @abstractmethod
    def fetch(self) -> None:
        """Makes sure that the programs are on this machine; raises Missing when they cannot be had."""

    @abstractmethod
    def prepare(self, folder: Path) -> None:
        """Chooses ports and writes files, once, before the first start."""

    @abstractmethod
    def command(self) -> Sequence[str | Path]: ...

    @abstractmethod
    def ready(self) -> bool: ...

    def environment(self) -> dict[str, str]:
        return {}

    def populate(self) -> None:  # noqa: B027 - most servers need nothing
        """Creates what clients expect to find, once, after the first start."""

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.running

    def unavailable(self) -> str | None:
        try:
            self.fetch()
        except Missing as missing:
            return str(missing)
        return None

    def start(self, folder: Path) -> None:
        self.fetch()
        folder.mkdir(parents=True, exist_ok=True)
        self.prepare(folder)
        self._process = ServerProcess(
            self.name,
            self.command(),
            folder,
            environment=self.environment(),
            user=self.user,
            stop_signal=self.stop_signal,
        )
        self._launch(self._process)
        self.populate()

    def stop(self) -> None:
        if self._process is not None:
            self._end(self._process)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    def restart(self) -> None:
        if self._process is None:
            raise ServerFailed(f"{self.name} was never started: call start(folder) first")
        self._end(self._process)
        self._launch(self._process)

    def _end(self, process: ServerProcess) -> None:
        process.stop()

    def _launch(self, process: ServerProcess) -> None:
        process.start(self.ready, self.ready_within_s)
