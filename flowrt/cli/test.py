"""`flowrt test`: workflow tests on a simulated clock."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from flowrt.cli import FAULTED, FINE


@click.command("test")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True))
@click.option("--crash-everywhere", is_flag=True, help="Run each test again with a crash at every commit.")
def command(paths: Sequence[str], crash_everywhere: bool) -> None:
    """Run workflow tests: given input, mocked calls, events and a simulated clock; expected output and calls.

    \b
    Example:
      flowrt test order.test.yaml
      flowrt test tests/ --crash-everywhere
    """
    from flowrt.testing.scenario import load, run

    failed = 0
    files = [file for path in paths for file in _files(Path(path))]
    for file in files:
        differences = run(load(file))
        if not differences and crash_everywhere:
            differences = [f"after crashes: {each}" for each in run(load(file), crash_everywhere=True)]
        print(f"{'FAILED' if differences else 'passed'}  {file}")
        for difference in differences:
            print(f"    {difference}")
        failed += bool(differences)
    print(f"{len(files) - failed} passed, {failed} failed")
    sys.exit(FAULTED if failed else FINE)


def _files(path: Path) -> list[Path]:
    return sorted(path.rglob("*.yaml")) if path.is_dir() else [path]
