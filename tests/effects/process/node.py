"""Node.js for the tests of scripts: installed where it may be."""

from __future__ import annotations

from tests.servers.fixtures import refuse
from tests.servers.install import Missing, program


def require_node() -> None:
    """Skips the test where there is none; with CI=true fails it."""
    try:
        program("node", "nodejs")
    except Missing as missing:
        refuse(str(missing))
