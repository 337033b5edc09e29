"""`flowrt config`: the effective configuration and where each value came from."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import click

from flowrt.cli import BAD_USAGE
from flowrt.cli.output import fail, print_json

HIDDEN = "********"


@click.group("config")
def command() -> None:
    """Show the effective configuration.

    \b
    Example:
      flowrt config show --origin
      flowrt config show --config production.yml
    """


@command.command("show")
@click.option("--config", "files", multiple=True, type=click.Path(), help="A configuration file; the last one wins.")
@click.option("--origin", is_flag=True, help="Also say where each value came from.")
@click.option("--json", "as_json", is_flag=True)
def show(files: Sequence[str], origin: bool, as_json: bool) -> None:
    """Show every setting; secrets are never shown."""
    from flowrt.config import ConfigProblem, load

    try:
        loaded = load(files)
    except ConfigProblem as error:
        fail(BAD_USAGE, *error.problems)
    rows = list(_settings(loaded.config, ""))
    if as_json:
        print_json({key: {"value": value, "origin": loaded.origins.get(key, "default")} for key, value in rows})
        return
    for key, value in rows:
        suffix = f"    # {loaded.origins.get(key, 'default')}" if origin else ""
        print(f"{key}: {value}{suffix}")


def _settings(section: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for each in dataclasses.fields(section):
        key = f"{prefix}{each.metadata.get('key', each.name.replace('_', '-'))}"
        value = getattr(section, each.name)
        if dataclasses.is_dataclass(value):
            yield from _settings(value, f"{key}.")
        elif each.metadata.get("secret"):
            yield key, HIDDEN if value else None
        else:
            yield key, list(value) if isinstance(value, tuple) else value
