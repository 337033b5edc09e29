"""`flowrt convert`: a Serverless Workflow 0.8 document to DSL 1.0."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from flowrt.cli import BAD_USAGE
from flowrt.cli.output import fail, print_json


@click.command("convert")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--output", "-o", metavar="FILE", help="Write the definition there (a .json file: as JSON).")
@click.option("--namespace", default="default", show_default=True, help="The namespace of the definition.")
@click.option("--format", "format_", type=click.Choice(("yaml", "json")), help="Of what is printed (default yaml).")
@click.option("--replace-arrays", is_flag=True, help="Shorter expressions: arrays of results replace those they meet.")
@click.option("--json", "as_json", is_flag=True, help="Print the definition and the notes on it as one JSON object.")
def command(
    file: str, output: str | None, namespace: str, format_: str | None, replace_arrays: bool, as_json: bool
) -> None:
    """Convert a Serverless Workflow 0.8 document (YAML or JSON) to DSL 1.0, state by state.

    What has no counterpart in 1.0 is listed on stderr and in comments. Needs the extra `legacy`, best in a virtual
    environment of its own.

    \b
    Example:
      flowrt convert order.sw.json -o workflows/order.yaml
      flowrt convert order.sw.yaml --namespace shop --json
    """
    from flowrt.legacy import SdkMissing, Unreadable, convert
    from flowrt.legacy.writing import to_json, to_yaml

    path = Path(file)
    try:
        text = path.read_text(encoding="utf-8")
        converted = convert(text, path.parent, namespace, replace_arrays)
    except (SdkMissing, UnicodeDecodeError) as error:
        fail(BAD_USAGE, f"{file}: {error}")
    except Unreadable as error:
        fail(BAD_USAGE, *(f"{file}: {problem}" for problem in error.problems))
    is_json = format_ == "json" or (format_ is None and output is not None and output.endswith(".json"))
    written = to_json(converted) if is_json else to_yaml(converted, path.name)
    if output is not None:
        Path(output).write_text(written, encoding="utf-8")
    if as_json:
        print_json({"definition": converted.definition, "notes": [note.to_json() for note in converted.notes]})
        return
    if output is None:
        print(written, end="")
    for note in converted.notes:
        print(f"{file}: {note}", file=sys.stderr)
