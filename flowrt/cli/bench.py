"""`flowrt bench`: what this machine, with this store, can do."""

from __future__ import annotations

import asyncio
import os
import platform
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flowrt.cli import BAD_USAGE, UNREACHABLE
from flowrt.cli.output import fail, print_json

if TYPE_CHECKING:
    from flowrt.bench import Durable
    from flowrt.config.model import Config


@click.command("bench")
@click.option("--config", "files", multiple=True, type=click.Path(), help="A configuration file; the last one wins.")
@click.option("--store", metavar="URL", help="The store to measure; without one, files below the current folder.")
@click.option("--seconds", type=click.FloatRange(0.1), default=3.0, show_default=True, help="Of each measurement.")
@click.option("--tasks", type=click.IntRange(1, 10_000), default=100, show_default=True, help="Of each workflow.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(files: Sequence[str], store: str | None, seconds: float, tasks: int, as_json: bool) -> None:
    """Measure how many tasks a second become durable, and how long a commit takes.

    It needs the store for itself: stop the servers of the same application id. What it writes it deletes.

    \b
    Example:
      flowrt bench
      flowrt bench --store postgresql://localhost/flowrt --seconds 10
    """
    from flowrt.bench import fsync_floor
    from flowrt.config import ConfigProblem, load
    from flowrt.stores.protocol import StoreRefused, StoreUnavailable

    with tempfile.TemporaryDirectory(prefix=".flowrt-bench-", dir=".") as folder:
        own = store is None and not files
        try:
            config = load(files, {"storage.url": f"file:{folder}/store" if own else store}).config
            floor = fsync_floor(Path(folder))
            figures = asyncio.run(_figures(config, seconds, tasks, quiet=as_json, floor=floor[0]))
        except ConfigProblem as problem:
            fail(BAD_USAGE, *problem.problems)
        except (StoreRefused, StoreUnavailable) as error:
            fail(UNREACHABLE, f"the store cannot be used: {error}")
    if as_json:
        durable = [
            {
                "instances": each.instances,
                "tasksPerS": each.tasks_per_s,
                "commitP50Ms": each.commit_p50_ms,
                "commitP99Ms": each.commit_p99_ms,
            }
            for each in figures
        ]
        print_json({"fsyncP50Ms": floor[0], "fsyncP99Ms": floor[1], "durable": durable})


async def _figures(config: Config, seconds: float, tasks: int, *, quiet: bool, floor: float) -> list[Durable]:
    from flowrt.assemble import store_settings
    from flowrt.bench import measure
    from flowrt.version import VERSION

    def say(line: str) -> None:
        if not quiet:
            print(line, flush=True)

    kind, _ = store_settings(config.storage)
    say(f"flowrt {VERSION}, Python {platform.python_version()}, {os.cpu_count()} processors, store: {kind}")
    say(f"a write of 4 KiB reaches this disk in {floor:.2f} ms; workflows of {tasks} tasks, {seconds:g} s each")
    say(f"{'INSTANCES':>9}  {'TASKS/S':>10}  {'COMMIT P50':>12}  {'COMMIT P99':>12}")
    found = []
    async for each in measure(config, seconds, tasks):
        found.append(each)
        times = f"{each.commit_p50_ms:>9.2f} ms  {each.commit_p99_ms:>9.2f} ms"
        say(f"{each.instances:>9}  {each.tasks_per_s:>10,.0f}  {times}")
    return found
