"""The plant: `flowrt serve` as a process that is really killed, and a client that repeats what was not acknowledged."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Plant:
    """One server on one store, killed and started again at will."""

    def __init__(self, folder: Path, store: str, workflows: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = (folder / "server.log").open("ab")
        self._command = [sys.executable, "-m", "flowrt", "serve", str(workflows), "--port", str(self.port)]
        self._command += ["--store", store]
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = folder
        self.kills: list[float] = []

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command, stdout=self._log, stderr=self._log, env={**os.environ, "PYTHONUNBUFFERED": "1"}
        )

    def wait_ready(self, timeout_s: float = 60.0) -> None:
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            try:
                if httpx.get(f"{self.url}/ready", timeout=2).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            assert self._process is not None
            if self._process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"the server is not ready:\n{(self._folder / 'server.log').read_text()[-3000:]}")

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self.kills.append(time.monotonic())

    def end(self) -> None:
        """Leaves nothing running, however the test ended."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> int:
        assert self._process is not None
        self._process.terminate()
        code = self._process.wait(40)
        self._log.close()
        return code


def insist(client: httpx.Client, method: str, url: str, **options: Any) -> httpx.Response:
    """Repeats a request until it is acknowledged; what is repeated must carry its own key or id."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        try:
            response = client.request(method, url, timeout=10, **options)
            if response.status_code < 500:
                return response
        except httpx.HTTPError:
            pass
        time.sleep(0.03)
    raise AssertionError(f"{method} {url} was never acknowledged")
