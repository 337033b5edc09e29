"""A distribution of somebody else's, laid out as an installer would: a module and its entry points in a folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

REPOSITORY = Path(__file__).parents[2]


def install(folder: Path, module: str, source: str, entry_points: Mapping[str, Mapping[str, str]]) -> None:
    """Puts the module and the metadata of its distribution there. `entry_points`: group -> name -> object."""
    (folder / f"{module}.py").write_text(dedent(source), encoding="utf-8")
    metadata = folder / f"{module}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n", encoding="utf-8")
    groups = (
        f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in points.items())
        for group, points in entry_points.items()
    )
    (metadata / "entry_points.txt").write_text("\n".join(groups), encoding="utf-8")


def flowrt(folder: Path, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command line with that folder's distributions installed."""
    paths = os.pathsep.join((str(folder), str(REPOSITORY)))
    return subprocess.run(
        [sys.executable, "-m", "flowrt", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
