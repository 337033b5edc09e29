"""The command line: one file per verb, imported when it is called. `VERBS` is the table of them."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Any

import click

from flowrt.version import VERSION

VERBS: dict[str, tuple[str, str]] = {
    "serve": ("flowrt.cli.serve", "Serve a folder of workflows over HTTP."),
    "run": ("flowrt.cli.run", "Run one workflow to its end and print its output."),
    "validate": ("flowrt.cli.validate", "Check definitions and list every problem."),
    "graph": ("flowrt.cli.graph", "Draw a definition as Mermaid."),
    "schema": ("flowrt.cli.schema", "Print the JSON Schema of definitions for editors."),
    "definitions": ("flowrt.cli.definitions", "List, show, deploy or delete definitions of a server."),
    "start": ("flowrt.cli.start", "Start an instance on a server."),
    "instances": ("flowrt.cli.instances", "List, show or control instances of a server."),
    "events": ("flowrt.cli.events", "Send CloudEvents to a server."),
    "config": ("flowrt.cli.config", "Show the effective configuration."),
    "db": ("flowrt.cli.db", "Migrate the database of an SQL store."),
    "store": ("flowrt.cli.store", "Look into, check, copy, export or import a store."),
    "test": ("flowrt.cli.test", "Run workflow tests on a simulated clock."),
    "doctor": ("flowrt.cli.doctor", "Check this installation and its configuration."),
    "bench": ("flowrt.cli.bench", "Measure what becomes durable here, and how fast."),
    "convert": ("flowrt.cli.convert", "Convert a Serverless Workflow 0.8 document to DSL 1.0."),
}
"""Verb -> its module, which has a click command `command`, and its line in the help."""

FINE, FAULTED, BAD_USAGE, UNREACHABLE = 0, 1, 2, 3
"""Exit codes (contract)."""


class _Verbs(click.Group):
    """Imports a verb only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command: click.Command = importlib.import_module(VERBS[cmd_name][0]).command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Exception as error:
            # The class is there only if a verb has imported it, and nobody else can have raised it.
            loading = sys.modules.get("flowrt.config.load")
            if loading is None or not isinstance(error, loading.ConfigProblem):
                raise
            for problem in error.problems:
                click.echo(problem, err=True)
            sys.exit(BAD_USAGE)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl([(name, line) for name, (_, line) in VERBS.items()])


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="flowrt")
def cli() -> None:
    """The durable runtime for the Serverless Workflow DSL.

    \b
    Example:
      flowrt run hello.yaml --input '{"name": "Ada"}'
      flowrt serve ./workflows
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """The entry point."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given == ["--version"]:
        print(f"flowrt, version {VERSION}")
        return
    result: Any = cli.main(given, prog_name="flowrt", standalone_mode=True)
    sys.exit(result)
