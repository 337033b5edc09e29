"""A site: `flowrt serve` as a process, its folder of workflows, its log."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx

Value = TypeVar("Value")
ADDRESS = re.compile(r" on (http://\S+) ")
PATIENCE_S = 15.0


def until(look: Callable[[], Value], what: str) -> Value:
    """The first true answer."""
    end = time.monotonic() + PATIENCE_S
    while not (found := look()):
        if time.monotonic() > end:
            raise AssertionError(f"not in time: {what}")
        time.sleep(0.01)
    return found


class Site:
    """One server on one folder."""

    def __init__(self, folder: Path, *arguments: str, environment: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.workflows = folder / "workflows"
        self.workflows.mkdir(exist_ok=True)
        self.arguments = arguments
        self._environment = environment or {}
        self._log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def write(self, name: str, text: str) -> Path:
        """A file of its folder."""
        path = self.workflows / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def begin(self) -> None:
        """Starts the process."""
        self._log.write_bytes(b"")
        command = [sys.executable, "-m", "flowrt", "serve", "workflows", "--port", "0", *self.arguments]
        environment = {**os.environ, **self._environment}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, env=environment)

    def start(self) -> Site:
        """Starts it and waits until it is ready."""
        self.begin()
        self.logged("ready: ")
        self.url = ADDRESS.findall(self.log)[0]
        return self

    @property
    def log(self) -> str:
        """What it has said."""
        return self._log.read_text()

    def logged(self, text: str) -> str:
        """The first line of the log that has this text."""

        def look() -> str:
            found = [line for line in self.log.splitlines() if text in line]
            if not found and self._process is not None and self._process.poll() is not None:
                raise AssertionError(f"the server has ended:\n{self.log}")
            return found[0] if found else ""

        try:
            return until(look, text)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log}") from None

    def send(self, number: signal.Signals) -> None:
        """Sends it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def ended(self) -> int:
        """Its exit code once it has ended."""
        assert self._process is not None
        return self._process.wait(PATIENCE_S)

    def kill(self) -> None:
        """As a power failure would."""
        self.send(signal.SIGKILL)
        self.ended()

    def stop(self) -> int:
        """Ends it in order."""
        if self._process is None or self._process.poll() is not None:
            return -1
        self.send(signal.SIGTERM)
        return self.ended()

    def client(self) -> httpx.Client:
        """A client of it."""
        return httpx.Client(base_url=self.url, timeout=PATIENCE_S)


def start(http: httpx.Client, name: str, data: Any = None, **query: str) -> httpx.Response:
    """Starts a workflow of namespace `test`."""
    content = {"json": data} if data is not None else {}
    return http.post(f"/v1/definitions/test/{name}/instances", params=query, **content)


def reaches(http: httpx.Client, id_: str, status: str) -> dict[str, Any]:
    """The instance once it has that status."""

    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = http.get(f"/v1/instances/{id_}").json()
        return found if found["status"] == status else None

    return until(look, f"{id_} is {status}")


def event(type_: str, id_: str, **members: Any) -> dict[str, Any]:
    """A CloudEvent."""
    return {"specversion": "1.0", "id": id_, "source": "/tests", "type": type_, **members}


def problem(response: httpx.Response, status: int) -> dict[str, Any]:
    """The problem that an answer is."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = response.json()
    assert found["status"] == status
    assert {"type", "title", "detail", "instance"} <= found.keys()
    return found
