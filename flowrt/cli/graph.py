"""`flowrt graph`: a definition as a Mermaid flowchart."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click

from flowrt.cli import BAD_USAGE
from flowrt.cli.output import fail


@click.command("graph")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--format", "format_", type=click.Choice(["mermaid", "svg"]), default="mermaid", show_default=True)
def command(file: str, format_: str) -> None:
    """Draw a definition as Mermaid (or SVG, where the Mermaid command line `mmdc` is installed).

    \b
    Example:
      flowrt graph order.yaml > order.mmd
    """
    from flowrt.cli.validate import _validate
    from flowrt.graph import mermaid

    _, problems, definition = asyncio.run(_validate([Path(file)]))[0]
    if problems:
        fail(BAD_USAGE, *(str(problem) for problem in problems))
    drawing = mermaid(definition)
    sys.stdout.write(drawing if format_ == "mermaid" else _svg(drawing))


def _svg(drawing: str) -> str:
    import shutil
    import subprocess

    if shutil.which("mmdc") is None:
        fail(BAD_USAGE, "SVG needs the Mermaid command line: npm install -g @mermaid-js/mermaid-cli")
    done = subprocess.run(
        ["mmdc", "-i", "-", "-o", "-", "-e", "svg"], input=drawing, capture_output=True, text=True, check=False
    )
    if done.returncode:
        fail(BAD_USAGE, done.stderr.strip())
    return done.stdout
