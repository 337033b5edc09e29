"""A Python with no more than `pip install .` brings: links to what flowrt requires, and to what that requires."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]


class PlainInstall:
    def __init__(self, folder: Path) -> None:
        self._installed = folder
        for name in _distributions("flowrt"):
            for entry in _entries(metadata.distribution(name)):
                link = folder / entry.name
                if not link.exists():
                    link.symlink_to(entry)

    def run(self, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
        """`python <arguments>` in the folder."""
        # -S: the real folder of packages must not come back.
        command = [sys.executable, "-S", *arguments]
        environment = {**os.environ, "PYTHONPATH": f"{self._installed}:{ROOT}", "NO_COLOR": "1"}
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)

    def flowrt(self, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
        return self.run("-m", "flowrt", *arguments, folder=folder)


def _distributions(root: str) -> list[str]:
    """The names of a distribution and of all that it requires, extras of its requirements included, not its own."""
    found: list[str] = []
    left: list[tuple[str, str]] = [(root, "")]
    asked: set[tuple[str, str]] = set()
    while left:
        name, extra = left.pop()
        if (name, extra) in asked:
            continue
        asked.add((name, extra))
        found.append(name)
        for text in metadata.requires(name) or ():
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                left.extend((requirement.name, each) for each in ("", *requirement.extras))
    return found


def _entries(distribution: metadata.Distribution) -> Iterator[Path]:
    """What it puts into the folder of packages."""
    packages = Path(str(distribution.locate_file("")))
    for name in {file.parts[0] for file in distribution.files or ()}:
        if name not in ("..", "__pycache__") and (packages / name).exists():
            yield packages / name
