"""`flowrt doctor`: this installation and its configuration, looked at before anything runs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from flowrt.cli import FAULTED, FINE
from flowrt.cli.output import print_json

if TYPE_CHECKING:
    from flowrt.config.model import Config
    from flowrt.doctor import Finding


@click.command("doctor")
@click.argument("directory", metavar="[DIR]", required=False, type=click.Path(file_okay=False))
@click.option("--config", "files", multiple=True, type=click.Path(), help="A configuration file; the last one wins.")
@click.option("--store", metavar="URL", help="The store, instead of the one of the configuration.")
@click.option("--production", is_flag=True, help="Look at it as for production.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def command(directory: str | None, files: Sequence[str], store: str | None, production: bool, as_json: bool) -> None:
    """Check the installation, its configuration, the store and the definitions under DIR (default ./workflows).

    Of secrets only the names of those that are missing are said. Exit code 1 if anything is wrong (✗).

    \b
    Example:
      flowrt doctor
      flowrt doctor ./workflows --config production.yml --production
    """
    from flowrt.config import ConfigProblem, load
    from flowrt.doctor.findings import Level, error, ok

    findings: list[Finding] = []

    def say(finding: Finding) -> None:
        findings.append(finding)
        if not as_json:
            print(finding, flush=True)

    try:
        config = load(files, {"workflows.path": directory, "storage.url": store}).config
    except ConfigProblem as problem:
        for line in problem.problems:
            say(error("configuration", line))
    else:
        say(ok("configuration", ", ".join(files) or "the defaults and the environment"))
        asyncio.run(_examine(config, production, say))
    if as_json:
        print_json([finding.to_json() for finding in findings])
    wrong = sum(finding.level is Level.ERROR for finding in findings)
    if not as_json:
        print("nothing is wrong" if not wrong else "1 thing is wrong" if wrong == 1 else f"{wrong} things are wrong")
    sys.exit(FAULTED if wrong else FINE)


async def _examine(config: Config, production: bool, say: Callable[[Finding], None]) -> None:
    from flowrt.doctor import examine

    async for finding in examine(config, production):
        say(finding)
