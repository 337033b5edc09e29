"""`flowrt validate`: every problem of every file at once."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from flowrt.cli import BAD_USAGE, FINE
from flowrt.cli.output import print_json

Json = Any
SUFFIXES = (".yaml", ".yml", ".json")


@click.command("validate")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True))
@click.option("--json", "as_json", is_flag=True, help="Print the problems as JSON.")
@click.option("--explain", is_flag=True, help="Show how each expression runs: compiled, or by libjq.")
def command(paths: Sequence[str], as_json: bool, explain: bool) -> None:
    """Check definitions: all problems of all files, each with file, line, position, cause and remedy.

    \b
    Example:
      flowrt validate workflows/
      flowrt validate order.yaml --json
    """
    files = [file for path in paths for file in definition_files(Path(path))]
    results = asyncio.run(_validate(files))
    if as_json:
        print_json([problem.to_json() for _, problems, _ in results for problem in problems])
    else:
        for file, problems, definition in results:
            for problem in problems:
                print(problem)
            if not problems:
                print(f"{file}: {definition.id} is valid")
            if explain and definition is not None:
                _explain(definition)
    sys.exit(BAD_USAGE if any(problems for _, problems, _ in results) else FINE)


def definition_files(path: Path) -> Iterator[Path]:
    """The definitions below a folder, or the file itself."""
    if path.is_dir():
        yield from (file for file in sorted(path.rglob("*")) if file.suffix in SUFFIXES and ".test." not in file.name)
    else:
        yield path


async def _validate(files: Sequence[Path]) -> list[tuple[str, list[Any], Any]]:
    from flowrt.assemble import Assembly
    from flowrt.compiler import InvalidDefinition
    from flowrt.config.model import Config, InMemoryStorage, Storage

    assembly = Assembly(Config(storage=Storage(in_memory=InMemoryStorage())), trusted=True)
    results: list[tuple[str, list[Any], Any]] = []
    for file in files:
        try:
            definition = await assembly.service.compile(file.read_bytes(), str(file), file.resolve().as_uri())
            results.append((str(file), [], definition))
        except InvalidDefinition as error:
            results.append((str(file), error.problems, None))
    await assembly.close()
    return results


def _explain(definition: Any) -> None:
    from flowrt.expressions.jq import explain

    for source in definition.expressions:
        print(f"    {explain(source):30} {source}")
