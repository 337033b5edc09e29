"""A Python that has everything this one has but some packages: what a user without an extra gets."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[3]


def run_without(packages: tuple[str, ...], code: str, folder: Path) -> str:
    """What `code` prints."""
    installed = folder / "installed"
    installed.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if entry.name not in packages:
            (installed / entry.name).symlink_to(entry)
    # -S: the real folder of packages must not come back.
    command = [sys.executable, "-S", "-c", code]
    environment = {"PYTHONPATH": f"{installed}:{ROOT}"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def modules_after(statement: str) -> set[str]:
    """The top-level modules that a fresh Python has loaded after `statement`."""
    code = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.split())
