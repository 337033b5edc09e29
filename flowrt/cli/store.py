"""`flowrt store`: look into a store, check it, move it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import click
import orjson

from flowrt.cli import BAD_USAGE, FAULTED, UNREACHABLE
from flowrt.cli.output import fail, print_json

if TYPE_CHECKING:
    from flowrt.assemble import Assembly

LEASE_S = 60.0
STORE = click.option("--store", metavar="URL", required=True, help="The store, such as file:///var/lib/flowrt.")
APPLICATION = click.option("--application", default="default", show_default=True, help="Whose instances.")


@click.group("store")
def command() -> None:
    """Look into, check, copy, export or import a store.

    \b
    Example:
      flowrt store check --store file://./.flowrt
      flowrt store copy --from file://./.flowrt --to postgresql://localhost/flowrt --verify
    """


@command.command("info")
@STORE
@APPLICATION
def info(store: str, application: str) -> None:
    """Show where a store is, how durable, and what it holds."""

    async def show() -> None:
        async with opened(store, application) as assembly:
            print_json(await assembly.store.info())

    run(show())


@command.command("check")
@STORE
@APPLICATION
@click.option("--repair", is_flag=True, help="Cancel what nothing will wake, write wrong index entries anew.")
def check(store: str, application: str, repair: bool) -> None:
    """Find instances that nothing will ever wake, broken records and orphans; exit 1 if there are any."""

    async def look() -> int:
        from flowrt.runtime.checking import Check

        found = 0
        async with AsyncExitStack() as stack:
            assembly = await stack.enter_async_context(opened(store, application))
            token = await stack.enter_async_context(owned(assembly)) if repair else None
            checked = Check(assembly.store, assembly.worker.machine, assembly.definitions.pinned, token)
            async for finding in checked.run():
                found += not finding.repaired
                print(f"{finding.id}: {finding.what} ({'repaired' if finding.repaired else finding.remedy})")
        return found

    found = run(look())
    print("nothing is wrong" if not found else f"in need of a hand: {counted(found)}")
    sys.exit(FAULTED if found else 0)


@command.command("export")
@STORE
@APPLICATION
def export(store: str, application: str) -> None:
    """Write everything as JSON lines to stdout; the server must be stopped or paused."""

    async def write() -> None:
        from flowrt.stores.moving import export as lines

        async with opened(store, application) as assembly:
            async for line in lines(assembly.store):
                sys.stdout.buffer.write(orjson.dumps(line) + b"\n")

    run(write())


@command.command("import")
@STORE
@APPLICATION
def import_(store: str, application: str) -> None:
    """Read JSON lines from stdin into a store; instances that are there already are an error."""

    async def read() -> int:
        from flowrt.stores.moving import import_line

        count = 0
        async with opened(store, application) as assembly, owned(assembly) as token:
            for line in sys.stdin.buffer:
                count += await import_line(assembly.store, orjson.loads(line), token) is not None
        return count

    print(f"imported {counted(run(read()))}")


@command.command("copy")
@click.option("--from", "from_", metavar="URL", required=True)
@click.option("--to", metavar="URL", required=True)
@APPLICATION
@click.option("--verify", is_flag=True, help="Read everything again from both and compare.")
def copy(from_: str, to: str, application: str, verify: bool) -> None:
    """Copy a store into an empty one; both servers must be stopped or paused."""

    async def move() -> tuple[int, Sequence[str]]:
        from flowrt.stores.moving import differences, import_line
        from flowrt.stores.moving import export as lines

        count = 0
        async with opened(from_, application) as source, opened(to, application) as target:
            async with owned(target) as token:
                async for line in lines(source.store):
                    count += await import_line(target.store, line, token) is not None
            wrong = [each async for each in differences(source.store, target.store)] if verify else []
        return count, wrong

    count, wrong = run(move())
    print(f"copied {counted(count)}{', verified' if verify and not wrong else ''}")
    if wrong:
        fail(FAULTED, *wrong)


def counted(instances: int) -> str:
    """For people."""
    return f"{instances} instance{'' if instances == 1 else 's'}"


@asynccontextmanager
async def opened(url: str, application: str) -> AsyncIterator[Assembly]:
    """The assembly of a store, open but not driving."""
    from flowrt.assemble import Assembly
    from flowrt.config.model import Application, Config, Storage

    assembly = Assembly(Config(Application(application), storage=Storage(url=url)))
    await assembly.store.open()
    try:
        yield assembly
    finally:
        await assembly.store.close()


@asynccontextmanager
async def owned(assembly: Assembly) -> AsyncIterator[int]:
    """The token of an owner, who nobody is afterwards. Ends the verb when a server is it."""
    from flowrt.runtime.ending import ended

    token = await assembly.store.acquire(f"flowrt store, process {os.getpid()}", LEASE_S)
    if token is None:
        fail(UNREACHABLE, "a server owns this store; stop it first")
    renewing = asyncio.create_task(_renew(assembly, token))
    try:
        yield token
    finally:
        await ended([renewing])
        await assembly.store.release(token)


async def _renew(assembly: Assembly, token: int) -> None:
    from flowrt.stores.protocol import StoreUnavailable

    while True:
        await asyncio.sleep(LEASE_S / 3)
        # The verb itself meets a store that stays away, or an owner that has come in between.
        with suppress(StoreUnavailable):
            await assembly.store.renew(token, LEASE_S)


def run(coroutine: Any) -> Any:
    """Runs it; ends the verb with the store's reason when it cannot be used."""
    from flowrt.stores.moving import Damaged
    from flowrt.stores.protocol import StaleOwner, StoreRefused, StoreUnavailable

    try:
        return asyncio.run(coroutine)
    except (StoreRefused, StoreUnavailable) as error:
        fail(UNREACHABLE, str(error))
    except (Damaged, StaleOwner, orjson.JSONDecodeError) as error:
        fail(BAD_USAGE, str(error))
