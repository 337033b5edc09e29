"""Tasks end although a cancellation gets lost, as in `asyncio.wait_for` of CPython before 3.12."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from flowrt import Runtime
from flowrt.runtime import ending
from flowrt.runtime.ending import ended


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "AGAIN_S", 0.01)


class Losing:
    """Something to wait for that takes its end for more important than the first cancellation."""

    def __init__(self, times: int) -> None:
        self._times = times

    async def wait(self) -> None:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            self._times -= 1
            if self._times < 0:
                raise


@pytest.mark.parametrize("times", [0, 1, 3])
async def test_a_lost_cancellation_is_repeated(times: int) -> None:
    losing = Losing(times)

    async def loop() -> None:
        while True:
            await losing.wait()

    async def broken() -> None:
        raise ValueError("broken")

    tasks = [asyncio.create_task(loop()), asyncio.create_task(broken())]
    await asyncio.sleep(0)
    await asyncio.wait_for(ended(tasks), 5)
    assert tasks[0].cancelled()
    assert tasks[1].done()
    await ended([])


async def test_a_runtime_closes_though_its_renewal_loses_the_cancellation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flowrt.runtime.host.LEASE_S", 0.003)
    losing, renewing = Losing(1), asyncio.Event()
    runtime = Runtime(store=f"file://{tmp_path}/store")

    async def renew(token: int, ttl_s: float) -> bool:
        renewing.set()
        await losing.wait()
        return True

    monkeypatch.setattr(runtime.assembly.store, "renew", renew)

    async def lived() -> None:
        async with runtime:
            await renewing.wait()

    await asyncio.wait_for(lived(), 5)
