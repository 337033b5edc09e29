"""Converts in an interpreter of its own: the SDK's old pins have no place beside what flowrt needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.servers import install

REPOSITORY = Path(__file__).parents[2]
DEFINITIONS = Path(__file__).parent / "definitions"
PACKAGES = ("serverlessworkflow-sdk", "click", "orjson")


def interpreter() -> Path:
    """A Python that has the SDK and what the command line needs, but none of flowrt's other dependencies."""

    def make(folder: Path) -> None:
        install.run([sys.executable, "-m", "venv", folder], "a virtual environment")
        python = folder / "bin" / "python"
        install.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], "serverlessworkflow-sdk")

    return install.cached("legacy", make) / "bin" / "python"


def convert(python: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """`flowrt convert` with these arguments."""
    command = [python, "-m", "flowrt", "convert", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.run(command, cwd=DEFINITIONS, env=environment, capture_output=True, text=True, check=False)


def converted(python: Path, file: Path, *arguments: str) -> dict[str, Any]:
    """The definition and the notes on it."""
    done = convert(python, file, "--json", *arguments)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result
