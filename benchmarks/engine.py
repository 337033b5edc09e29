"""Prints what the engine does on this machine: rates, restore, memory, start-up. Figures, not tests."""

from __future__ import annotations

import asyncio
import compileall
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import flowrt
from flowrt import Runtime
from flowrt.assemble import EXPRESSIONS
from flowrt.bench import fsync_floor
from flowrt.compiler import Languages, compile_text
from flowrt.core.environment import Environment
from flowrt.core.instance import Instance
from flowrt.core.machine import Machine
from flowrt.core.signal import Tick

HEAD = "document: {{dsl: 1.0.3, namespace: bench, name: {name}, version: 1.0.0}}\n"


def chain(tasks: int, name: str = "chain") -> str:
    """`tasks` set tasks, each with an expression on the one before."""
    lines = "".join(f"- t{number}: {{set: {{n: '${{ .n + 1 }}'}}}}\n" for number in range(tasks))
    return HEAD.format(name=name) + "do:\n" + lines


LOOP = (
    HEAD.format(name="loop")
    + """
do:
- loop:
    for: {in: .items}
    do:
    - add: {set: {items: '${ .items }', n: '${ .n + 1 }'}}
"""
)

WAITING = (
    HEAD.format(name="waiting")
    + """
do:
- wait:
    listen: {to: {one: {with: {type: go}, correlate: {id: {from: .subject, expect: '${ .id }'}}}}}
"""
)


def pure_rate() -> float:
    """Tasks a second of the machine alone: no store, no event loop."""
    definition = compile_text(chain(100), Languages(EXPRESSIONS))
    machine = Machine(Environment())
    rates = []
    for _ in range(7):
        began = time.perf_counter()
        for number in range(300):
            machine.advance(Instance(str(number), definition, {"n": 0}), Tick(), 1.0)
        rates.append(30_000 / (time.perf_counter() - began))
    return statistics.median(rates)


async def store_rate(store: str, concurrency: int = 64, seconds: float = 4.0) -> float:
    """Tasks a second of 100-task workflows, `concurrency` of them at any time, each start and end durable."""
    async with Runtime(store=store) as runtime:
        runtime.deploy(chain(100))
        done = 0
        end = time.perf_counter() + seconds

        async def client() -> None:
            nonlocal done
            while time.perf_counter() < end:
                handle = await runtime.start("bench:chain", {"n": 0})
                await handle.result()
                done += 100

        began = time.perf_counter()
        await asyncio.gather(*(client() for _ in range(concurrency)))
        return done / (time.perf_counter() - began)


async def waiting(store: str, count: int) -> tuple[float, float, float]:
    """Restore seconds, bytes of memory each, and milliseconds from an event to its instance's end."""
    async with Runtime(store=store) as runtime:
        runtime.deploy(WAITING)
        for first in range(0, count, 1000):
            await asyncio.gather(
                *(runtime.start("bench:waiting", {"id": str(n)}, id=f"w{n}") for n in range(first, first + 1000))
            )
    before = resident()
    began = time.perf_counter()
    async with Runtime(store=store) as runtime:
        restored = time.perf_counter() - began
        each = (resident() - before) / count
        latencies = []
        for number in range(50):
            sent = time.perf_counter()
            event = {"specversion": "1.0", "id": str(number), "source": "/b", "type": "go", "subject": str(number * 7)}
            result = asyncio.ensure_future(runtime.handle(f"w{number * 7}").result())
            await runtime.publish(event)
            await result
            latencies.append(time.perf_counter() - sent)
    return restored, each, statistics.median(latencies) * 1000


def resident() -> int:
    """Resident bytes of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def start_up(*arguments: str) -> float:
    """Seconds of a whole process, the median of seven; compiled before, as what pip installs is."""
    compileall.compile_dir(Path(flowrt.__file__).parent, quiet=1)
    times = []
    for _ in range(7):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "flowrt", *arguments], check=True, capture_output=True)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def main() -> None:
    """Prints everything."""
    print(f"pure tasks, machine alone:        {pure_rate():>10,.0f} tasks/s")
    print(f"memory store, 64 instances:       {asyncio.run(store_rate('memory://')):>10,.0f} tasks/s")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"fsync floor:                      {fsync_floor(folder)[0]:>10.2f} ms")
        for concurrency in (1, 16, 64, 256):
            rate = asyncio.run(store_rate(f"file://{folder}/s{concurrency}", concurrency))
            print(f"file store, {concurrency:>3} instances:        {rate:>10,.0f} durable tasks/s")
        restored, each, latency = asyncio.run(waiting(f"file://{folder}/w", 10_000))
        print(f"restore of 10,000 waiting:        {restored:>10.2f} s, {each:,.0f} bytes each")
        print(f"event to end of its instance:     {latency:>10.2f} ms")
        hello = folder / "hello.yaml"
        hello.write_text(HEAD.format(name="hello") + "do:\n- greet: {set: {hello: '${ .name }'}}\n")
        print(f"flowrt --version:                 {start_up('--version'):>10.3f} s")
        print(f"flowrt run hello.yaml:            {start_up('run', str(hello)):>10.3f} s")


if __name__ == "__main__":
    main()
