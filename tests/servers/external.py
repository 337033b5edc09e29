"""A server somebody else started, named by an environment variable: the tests use it and never stop it."""

from pathlib import Path

import pytest


class ExternalServer:
    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self.url = url

    def unavailable(self) -> str | None:
        return None

    def start(self, folder: Path) -> None:
        """It runs already."""

    def stop(self) -> None:
        """It is not ours to stop."""

    def kill(self) -> None:
        self._refuse("killed")

    def restart(self) -> None:
        self._refuse("restarted")

    def _refuse(self, verb: str) -> None:
        pytest.skip(f"{self.name} at {self.url} is not ours and cannot be {verb}: unset its FLOWRT_TEST_ variable")
