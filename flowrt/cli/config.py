"""`flowrt config`: the effective configuration and where each value came from."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from flowrt.cli import BAD_USAGE
from flowrt.cli.output import fail, print_json

HIDDEN = "********"
SENSITIVE = re.compile(r"password|passphrase|secret|token|key|cookie|authorization|headers|proxy", re.IGNORECASE)
"""Members of free sections, such as those of HTTP clients, that may hold a secret."""


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
            yield key, _visible(value)


def _visible(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            name: HIDDEN if SENSITIVE.search(str(name)) and member else _visible(member)
            for name, member in value.items()
        }
    return [_visible(item) for item in value] if isinstance(value, list | tuple) else value
