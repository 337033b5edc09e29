"""One program of a server: started, watched until it is ready, stopped or killed.

It runs in its own session, so that an interrupt at the terminal reaches the tests and not the servers. Its output goes
to `<folder>/<name>.log`; every failure shows the end of that file. Ending it ends its descendants as well.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from . import descendants, reaper

_POLL_S = 0.02
_LOG_LINES = 20


class ServerFailed(Exception):
    """A server that did not come up, or not in time."""


def wait_until(reached: Callable[[], bool], what: str, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not reached():
        if time.monotonic() > deadline:
            raise ServerFailed(f"{what}: not within {timeout_s:g} s")
        time.sleep(_POLL_S)


def finish(
    command: Sequence[str | Path],
    *,
    folder: Path | None = None,
    user: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """The output of a program that prepares a server; one that fails is a ServerFailed with the end of its output."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        user=user,
        group=user,
        extra_groups=[] if user else None,
    )
    if done.returncode != 0:
        end = "\n".join(done.stdout.splitlines()[-_LOG_LINES:])
        raise ServerFailed(f"`{' '.join(map(str, command))}` ended with exit code {done.returncode}:\n{end}")
    return done.stdout


class ServerProcess:
    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        folder: Path,
        *,
        environment: Mapping[str, str] | None = None,
        user: str | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._command = [str(part) for part in command]
        self._folder = folder
        self._environment = {**os.environ, **(environment or {})}
        self._user = user
        self._stop_signal = stop_signal
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, ready: Callable[[], bool], timeout_s: float) -> None:
        """Returns once `ready` holds; a program that ends before, or is too slow, is a ServerFailed."""
        if self.running:
            raise ServerFailed(f"{self.name} runs already: stop it first")
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=self._user,
                group=self._user,
                extra_groups=[] if self._user else None,
            )
        reaper.watch(self._process.pid)
        try:
            wait_until(lambda: self._alive() and ready(), f"{self.name} ready", timeout_s)
        except BaseException as failure:
            self.kill()
            if isinstance(failure, ServerFailed):
                raise ServerFailed(f"{failure}\n{self._log_end()}") from None
            raise

    def stop(self, grace_s: float = 20) -> None:
        """Signals the program, and with it what runs in its session; after the grace, kills what is left."""
        if self._process is None:
            return
        members = descendants.tree(self._process.pid)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, self._stop_signal)
        with suppress(ServerFailed):
            wait_until(lambda: not any(map(descendants.lives, members)), f"{self.name} stopped", grace_s)
        self.kill()

    def kill(self) -> None:
        """Returns when the program and all its descendants are gone."""
        if self._process is None:
            return
        descendants.kill_tree(self._process.pid)
        self._process.wait()
        reaper.forget(self._process.pid)
        self._process = None

    def _alive(self) -> bool:
        if self.running:
            return True
        code = self._process.returncode if self._process else None
        raise ServerFailed(f"{self.name} ended with exit code {code} before it was ready: {' '.join(self._command)}")

    def _log_end(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
        return "\n".join([f"end of {self.log}:", *lines])
