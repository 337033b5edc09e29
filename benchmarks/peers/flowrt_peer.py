"""flowrt itself, as a program that answers lines like those of its peers."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from benchmarks.peers.program import Command, Peer
from flowrt import Runtime
from flowrt.config.model import Config, Storage
from flowrt.version import VERSION


def command() -> Command:
    return [sys.executable, "-m", "benchmarks.peers.flowrt_peer"]


PEER = Peer("flowrt", VERSION, command)


async def run(workflow: Path, store: str, concurrency: int, seconds: float) -> tuple[int, float]:
    """How many instances ended, all durably, and in how many seconds."""
    config = Config(storage=Storage(url=store, migrate_at_start=True))
    async with Runtime(store=None, config=config) as runtime:

        @runtime.function("addOne")
        def add_one(number: int) -> dict[str, int]:
            return {"n": number + 1}

        name = runtime.deploy(workflow).id
        await (await runtime.start(name, {"n": 0})).result()  # The first start stores the definition.
        began = time.perf_counter()
        ended = 0

        async def client() -> None:
            nonlocal ended
            while time.perf_counter() < began + seconds:
                handle = await runtime.start(name, {"n": 0})
                result = await handle.result()
                if result.status != "completed":
                    raise SystemExit(f"flowrt gave a wrong result: {result}")
                ended += 1

        await asyncio.gather(*(client() for _ in range(concurrency)))
        return ended, time.perf_counter() - began


def main() -> None:
    """Answers lines until there are no more."""
    for line in sys.stdin:
        workflow, store, concurrency, seconds = line.rstrip("\n").split("\t")
        ended, took = asyncio.run(run(Path(workflow), store, int(concurrency), float(seconds)))
        print(f"{ended}\t{took}", flush=True)


if __name__ == "__main__":
    main()
