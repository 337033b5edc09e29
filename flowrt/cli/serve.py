"""`flowrt serve`: a folder of workflows over HTTP."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from flowrt.cli import BAD_USAGE
from flowrt.cli.output import fail


@click.command("serve")
@click.argument("directory", metavar="[DIR]", required=False, type=click.Path(file_okay=False))
@click.option("--host", help="Where to listen (default 127.0.0.1).")
@click.option("--port", type=int, help="Where to listen (default 8080; 0: any free port).")
@click.option("--config", "files", multiple=True, type=click.Path(), help="A configuration file; the last one wins.")
@click.option(
    "--store", metavar="URL", help="Where instances are kept: file:, redis:, postgresql:, mysql:, sqlite:, memory:"
)
@click.option("--paused", is_flag=True, help="Restore nothing and drive nothing: look only.")
def command(
    directory: str | None, host: str | None, port: int | None, files: Sequence[str], store: str | None, paused: bool
) -> None:
    """Serve every definition under DIR (default ./workflows) over HTTP, and go on with what was interrupted.

    \b
    Example:
      flowrt serve
      flowrt serve ./workflows --port 8081 --store redis://localhost
    """
    from flowrt.config import ConfigProblem, load

    flags = {
        "workflows.path": directory,
        "server.host": host,
        "server.port": port,
        "storage.url": store,
        "persistence.auto-restore": False if paused else None,
    }
    try:
        config = load(files, flags).config
    except ConfigProblem as error:
        fail(BAD_USAGE, *error.problems)
    from flowrt.serving import run_server

    sys.exit(run_server(config))
