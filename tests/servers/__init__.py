"""Real servers for the tests, each behind the same few verbs.

A server runs on 127.0.0.1 with free ports, keeps everything in the folder it was started in, and ends with the test
process at the latest. `restart` and a `kill` followed by `restart` come back on the same data and the same ports.
"""

from pathlib import Path
from typing import Protocol


class Server(Protocol):
    """What a test may do with a server, whichever it is."""

    @property
    def name(self) -> str: ...

    @property
    def url(self) -> str:
        """Where clients connect, credentials included; valid once started."""

    def unavailable(self) -> str | None:
        """One line saying why it cannot run here and how to get it; fetches what may be fetched first."""

    def start(self, folder: Path) -> None:
        """Blocks until the server answers; its data, configuration and log stay in the folder."""

    def stop(self) -> None:
        """Asks it to end, forces it when it does not; nothing of it runs afterwards."""

    def kill(self) -> None:
        """Ends it at once, as a crash would."""

    def restart(self) -> None:
        """Stops it if it still runs, then starts it on the data and ports it had."""
