"""Retries: when the next attempt begins, and how attempts are counted."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from flowrt.core.effect import Effect, Outcome
from flowrt.core.fault import Fault
from flowrt.testing.happening import START_AT, Answer, CrashEverywhere
from flowrt.testing.world import World
from tests.core.worlds import GET, compiled, world_of


def guarded(retry: Any, *tasks: Any, **catch: Any) -> Any:
    listed = [{f"x{number}": task} for number, task in enumerate(tasks or (GET,))]
    return {"try": listed, "catch": {"retry": retry, **catch}}


def down(_effect: Effect) -> Answer:
    return Answer(Fault.of("communication", "down", status=503))


def begun_at(retry: Any) -> list[float]:
    times: list[float] = []

    def answer(effect: Effect) -> Answer:
        times.append(round(world.now - START_AT, 3))
        return down(effect)

    world = world_of(compiled(guarded(retry)), None, answer)
    world.run()
    return times


@pytest.mark.parametrize(
    ("retry", "times"),
    [
        ({"delay": "PT2S", "limit": {"attempt": {"count": 3}}}, [0, 2, 4, 6]),
        ({"delay": "PT2S", "backoff": {"linear": {}}, "limit": {"attempt": {"count": 3}}}, [0, 2, 6, 12]),
        ({"delay": "PT2S", "backoff": {"exponential": {}}, "limit": {"attempt": {"count": 3}}}, [0, 2, 6, 14]),
        ({"delay": "PT20H", "backoff": {"linear": {}}, "limit": {"attempt": {"count": 2}}}, [0, 72000, 158400]),
        ({"delay": "PT2S", "limit": {"duration": "PT5S"}}, [0, 2, 4]),
        ({"delay": "PT2S", "when": ".status != 503"}, [0]),
        ({"delay": "PT2S", "exceptWhen": "$error.status == 503"}, [0]),
        ({"limit": {"attempt": {"count": 0}}}, [0]),
    ],
)
def test_when_it_tries_again(retry: Any, times: list[float]) -> None:
    assert begun_at(retry) == times


def test_jitter_is_drawn_once() -> None:
    retry = {"delay": "PT1S", "jitter": {"from": "PT0S", "to": "PT4S"}, "limit": {"attempt": {"count": 5}}}
    times = begun_at(retry)
    gaps = [after - before for before, after in pairwise(times)]
    assert all(1 <= gap <= 5 for gap in gaps)
    assert len(set(gaps)) == 5
    assert begun_at(retry) == times


def keys(world: World) -> list[tuple[str, int, int]]:
    world.run()
    found = [effect.key for effect in world.calls]
    assert len(set(found)) == len(found)
    return found


@pytest.mark.parametrize("crashes", [False, True])
def test_nested_tries_never_use_an_attempt_twice(crashes: bool) -> None:
    twice = {"limit": {"attempt": {"count": 1}}}
    inner = guarded(twice, GET)
    definition = compiled(guarded(twice, {"do": [{"inner": inner}]}, do=[{"late": inner}]))
    crash = CrashEverywhere() if crashes else lambda written: False
    found = keys(world_of(definition, None, down, crash=crash))
    assert [attempt for position, _, attempt in found if "/catch/" not in position] == [0, 1, 2, 3]
    assert [attempt for position, _, attempt in found if "/catch/" in position] == [2, 3]


def test_an_endless_try_begins_rounds_in_the_long_run() -> None:
    def answer(effect: Effect) -> Answer:
        return Answer(Outcome("at last")) if effect.attempt == 12 else down(effect)

    world = world_of(compiled(guarded({"delay": "PT1S"})), None, answer)
    found = keys(world)
    assert [iteration for _, iteration, _ in found] == [0] * 8 + [1, 2, 3, 4, 5]
    assert world.read("it").output == "at last"


def test_the_delay_survives_a_crash() -> None:
    for crash in (lambda written: False, CrashEverywhere()):
        world = world_of(
            compiled(guarded({"delay": "PT10S", "limit": {"attempt": {"count": 1}}})), None, down, crash=crash
        )
        world.run()
        assert world.now == START_AT + 10
