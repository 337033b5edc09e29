"""`flowrt schema`: the JSON Schema of definitions, for editors."""

from __future__ import annotations

import click

from flowrt.cli.output import print_json


@click.command("schema")
def command() -> None:
    """Print the JSON Schema of definitions, with which an editor completes, explains and checks them.

    \b
    Example:
      flowrt schema > flowrt.schema.json

    With the YAML language server (VS Code, Neovim, Emacs, …) make this the first line of a definition:

    \b
      # yaml-language-server: $schema=flowrt.schema.json

    `flowrt validate` finds what no schema can: expressions that do not compile, names that lead nowhere.
    """
    from flowrt.schema import schema

    print_json(schema())
