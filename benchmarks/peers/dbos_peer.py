"""DBOS from PyPI, in a virtual environment of its own, on PostgreSQL or SQLite."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.peers.program import Command, Peer
from tests.servers.install import cached, run

VERSION = "3.4.0"
_SOURCE = Path(__file__).parent / "dbos_program.py"


def command() -> Command:
    """Raises `Missing`."""

    def make(draft: Path) -> None:
        run([sys.executable, "-m", "venv", draft], "DBOS")
        run([draft / "bin" / "python", "-m", "pip", "install", "--quiet", f"dbos=={VERSION}"], "DBOS")

    # Called through `python -m`, a venv that was made elsewhere and renamed works.
    return [cached(f"peer-dbos-{VERSION}", make) / "bin" / "python", _SOURCE]


PEER = Peer("DBOS", VERSION, command)
