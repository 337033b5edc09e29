"""Single flight: one fetch for all who ask."""

from __future__ import annotations

import asyncio

import pytest

from flowrt.effects.client.flight import SingleFlight


async def test_all_get_the_one_result() -> None:
    flight: SingleFlight[int] = SingleFlight()
    fetched = 0
    gate = asyncio.Event()

    async def fetch() -> int:
        nonlocal fetched
        fetched += 1
        await gate.wait()
        return fetched

    asking = [asyncio.create_task(flight.run("k", fetch)) for _ in range(5)]
    await asyncio.sleep(0)
    gate.set()
    assert await asyncio.gather(*asking) == [1] * 5
    assert await flight.run("k", fetch) == 2


async def test_all_get_the_one_exception() -> None:
    flight: SingleFlight[int] = SingleFlight()

    async def fetch() -> int:
        await asyncio.sleep(0)
        raise KeyError("gone")

    results = await asyncio.gather(*(flight.run("k", fetch) for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [KeyError] * 3


async def test_one_who_gives_up_leaves_it_to_the_others() -> None:
    flight: SingleFlight[str] = SingleFlight()
    gate = asyncio.Event()

    async def fetch() -> str:
        await gate.wait()
        return "done"

    first, second = (asyncio.create_task(flight.run("k", fetch)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    gate.set()
    assert await second == "done"
    assert first.cancelled()


async def test_when_all_give_up_it_stops_and_the_next_starts_anew() -> None:
    flight: SingleFlight[str] = SingleFlight()
    stopped = asyncio.Event()

    async def hang() -> str:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        return "never"

    async def fetch() -> str:
        return "done"

    asking = asyncio.create_task(flight.run("k", hang))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await flight.run("k", fetch) == "done"
    await stopped.wait()
