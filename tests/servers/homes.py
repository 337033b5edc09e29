"""Folders of a server's own, for one that cannot live in the folder it is given; they go with the test process.

PostgreSQL and PgBouncer refuse to run as root, and the folders of tests are closed to everybody but their owner: run
by root, such a server runs as the user `postgres` in a folder that user can reach.
"""

import os
import shutil
import tempfile
from pathlib import Path

from . import reaper

UNPRIVILEGED = "postgres" if os.geteuid() == 0 else None


def short_folder() -> Path:
    """One whose path is short enough for a unix socket."""
    folder = Path(tempfile.mkdtemp(prefix="flowrt-"))
    reaper.remove_at_the_end(folder)
    return folder


def unprivileged_folder(folder: Path) -> Path:
    """The given folder, unless root runs the tests."""
    if UNPRIVILEGED is None:
        return folder
    own = short_folder()
    shutil.chown(own, UNPRIVILEGED, UNPRIVILEGED)
    return own
