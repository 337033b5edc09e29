"""`flowrt db`: the schema of an SQL store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from flowrt.cli import BAD_USAGE
from flowrt.cli.output import fail, print_table
from flowrt.cli.store import run

if TYPE_CHECKING:
    from flowrt.stores.sql import SqlStore

STORE = click.option("--store", metavar="URL", help="The database; without: what the configuration says.")
FILES = click.option(
    "--config", "files", multiple=True, type=click.Path(), help="A configuration file; the last one wins."
)


@click.group("db")
def command() -> None:
    """Migrate the database of an SQL store, or show where it stands.

    \b
    Example:
      flowrt db migrate --store postgresql://localhost/flowrt
      flowrt db status --config production.yml
    """


@command.command("migrate")
@STORE
@FILES
def migrate(store: str | None, files: Sequence[str]) -> None:
    """Apply the migrations that are pending, under a lock; a half-applied one is applied again."""

    async def work(target: SqlStore) -> Any:
        from flowrt.stores import migrations

        return await migrations.migrate(await target.connect())

    for standing in _on_database(store, files, work):
        print(f"applied V{standing.version} {standing.description}")
    print("the schema is up to date")


@command.command("status")
@STORE
@FILES
def status(store: str | None, files: Sequence[str]) -> None:
    """Show every migration and whether it is applied."""

    async def work(target: SqlStore) -> Any:
        from flowrt.stores import migrations

        return await migrations.status(await target.connect())

    rows = [[f"V{each.version}", each.description, each.state] for each in _on_database(store, files, work)]
    print_table(("VERSION", "DESCRIPTION", "STATE"), rows, "no migrations")


def _on_database(url: str | None, files: Sequence[str], work: Any) -> Any:
    from flowrt.assemble import make_store
    from flowrt.config import ConfigProblem, load
    from flowrt.stores.protocol import StoreRefused

    try:
        target: Any = make_store(load(files, {"storage.url": url}).config)
    except (ConfigProblem, StoreRefused) as error:
        fail(BAD_USAGE, str(error))
    if not hasattr(target, "connect"):
        fail(BAD_USAGE, f"a {target.name} store has no schema to migrate")

    async def connected() -> Any:
        try:
            return await work(target)
        finally:
            await target.close()

    return run(connected())
