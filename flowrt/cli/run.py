"""`flowrt run`: one definition, to its end, in this process."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from flowrt.cli import BAD_USAGE, FAULTED, FINE, UNREACHABLE
from flowrt.cli.inputs import read_events, read_json
from flowrt.cli.output import fail, print_json

Json = Any


@click.command("run")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--input", "input_", metavar="JSON|@FILE|-", default="{}", help="The workflow's input.")
@click.option(
    "--secret", "secrets", metavar="NAME=JSON", multiple=True, help="A secret; text that is no JSON is a string."
)
@click.option("--with", "with_", metavar="FILE|DIR", multiple=True, help="Sub-workflows to deploy beside it.")
@click.option("--event", "events", metavar="FILE", multiple=True, help="CloudEvents to publish once something listens.")
@click.option("--timeout", type=float, metavar="SECONDS", help="Give up waiting after this long (exit 1).")
@click.option("--store", metavar="URL", default="memory://", show_default=True, help="Where it is checkpointed.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print id, status, output, error and times instead of the output."
)
def command(
    file: str,
    input_: str,
    secrets: Sequence[str],
    with_: Sequence[str],
    events: Sequence[str],
    timeout: float | None,
    store: str,
    as_json: bool,
) -> None:
    """Run one definition to its end in this process and print its output as JSON.

    \b
    Example:
      flowrt run hello.yaml --input '{"name": "Ada"}'
      flowrt run order.yaml --input @order.json --event approval.json --timeout 60
    """
    data = read_json(input_, "--input")
    given = dict(_secret(text) for text in secrets)
    published = [event for path in events for event in read_events(path)]
    try:
        described = asyncio.run(_run(file, data, given, with_, published, timeout, store))
    except KeyboardInterrupt:
        fail(FAULTED, "interrupted")
    print_json(described if as_json else described["output"]) if described["error"] is None or as_json else None
    if described["status"] != "completed":
        _say_fault(described)
    sys.exit(FINE if described["status"] == "completed" else FAULTED)


async def _run(
    file: str,
    data: Json,
    secrets: dict[str, Json],
    with_: Sequence[str],
    events: Sequence[Json],
    timeout: float | None,
    store: str,
) -> dict[str, Json]:
    from flowrt.events.cloudevent import InvalidEvent
    from flowrt.python import InvalidDefinition, InvalidInput, Runtime
    from flowrt.stores.protocol import StoreRefused, StoreUnavailable

    try:
        async with Runtime(store, secrets) as runtime:
            for path in _files(with_):
                runtime.deploy(path)
            definition = runtime.deploy(Path(file))
            handle = await runtime.start(definition.id, data)
            from flowrt.cli.progress import Progress

            progress = Progress(runtime, handle)
            try:
                await progress.publish(events)
                await handle.result(timeout)
            except TimeoutError:
                described = await handle.describe()
                described["error"] = described["error"] or {
                    "title": "Timeout",
                    "status": 408,
                    "detail": f"still {described['status']} after {timeout:g} s",
                }
                return _summary(described)
            finally:
                await progress.stop()
            return _summary(await handle.describe())
    except InvalidDefinition as error:
        fail(BAD_USAGE, *(str(problem) for problem in error.problems))
    except InvalidInput as error:
        problem = error.fault.to_json()
        return {"id": None, "status": "faulted", "output": None, "error": problem, "startedAt": None, "endedAt": None}
    except InvalidEvent as error:
        fail(BAD_USAGE, f"--event: {error}")
    except (StoreRefused, StoreUnavailable) as error:
        fail(UNREACHABLE, f"the store {store} cannot be used: {error}")


def _summary(described: dict[str, Json]) -> dict[str, Json]:
    return {name: described[name] for name in ("id", "status", "output", "error", "startedAt", "endedAt")}


def _say_fault(described: dict[str, Json]) -> None:
    import orjson

    problem = described["error"] or {"title": described["status"], "status": 500}
    print(orjson.dumps(problem, option=orjson.OPT_INDENT_2).decode(), file=sys.stderr)


def _secret(text: str) -> tuple[str, Json]:
    import orjson

    name, separator, value = text.partition("=")
    if not separator or not name:
        raise click.UsageError(f"--secret: '{name}' is not NAME=JSON")
    try:
        return name, orjson.loads(value)
    except orjson.JSONDecodeError:
        return name, value


def _files(paths: Sequence[str]) -> list[Path]:
    found: list[Path] = []
    for text in paths:
        path = Path(text)
        if path.is_dir():
            found += sorted(file for file in path.rglob("*") if file.suffix in (".yaml", ".yml", ".json"))
        elif path.is_file():
            found.append(path)
        else:
            raise click.UsageError(f"--with: {text} does not exist")
    return found
