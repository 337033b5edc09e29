"""Schedules: when they start instances, with which input, and what they do about fires they missed."""

from __future__ import annotations

from typing import Any

import pytest

from flowrt.core.effect import Outcome
from flowrt.core.environment import Environment
from flowrt.core.instance import SCHEDULE, Instance
from flowrt.core.machine import Machine
from flowrt.core.signal import Completed, Tick
from flowrt.testing.happening import START_AT, CrashEverywhere, crash_never
from flowrt.testing.world import World
from tests.core.worlds import JQ, answer_null, compiled, event, problems

HOUR = 3600.0


def started(schedule: Any, until: float, *events: tuple[float, dict[str, Any]], crashes: bool = False) -> list[Any]:
    """When instances were started (seconds), and their inputs."""
    definition = compiled({"wait": "PT10S"}, schedule=schedule)
    world = World([definition], answer_null, JQ, crash=CrashEverywhere() if crashes else crash_never)
    world.start(definition, {}, "schedule", SCHEDULE)
    for at, each in events:
        world.publish(each, START_AT + at)
    while world.now <= START_AT + until:
        if not world.step() and not world.pass_time():
            break
    found = [world.read(id_) for id_ in world.images if id_ != "schedule"]
    times = [(each.started_at - START_AT, each.input) for each in found if each.started_at <= START_AT + until]
    assert all(each.definition is definition for each in found)
    return times


@pytest.mark.parametrize("crashes", [False, True])
@pytest.mark.parametrize(
    ("schedule", "until", "times"),
    [
        ({"every": "PT1H"}, 3.5 * HOUR, [HOUR, 2 * HOUR, 3 * HOUR]),
        ({"every": {"seconds": 4}}, 13, [4, 8, 12]),
        ({"cron": "30 * * * *"}, 3 * HOUR, [0.5 * HOUR, 1.5 * HOUR, 2.5 * HOUR]),
        ({"cron": "*/20 * * * * *"}, 70, [20, 40, 60]),
        ({"after": "PT5S"}, 46, [0, 15, 30, 45]),
    ],
)
def test_it_fires_in_time(schedule: Any, until: float, times: list[float], crashes: bool) -> None:
    assert [at for at, _ in started(schedule, until, crashes=crashes)] == times


@pytest.mark.parametrize("crashes", [False, True])
def test_it_fires_on_events(crashes: bool) -> None:
    a, b, other = event("a", 1, "1"), event("b", 2, "2"), event("a", 3, "3")
    on = {"on": {"all": [{"with": {"type": "a"}}, {"with": {"type": "b"}}]}}
    fired = started(on, 100, (1.0, a), (1.0, a), (3.0, b), (5.0, other), crashes=crashes)
    assert fired == [(3.0, [a, b])]
    on = {"on": {"any": [{"with": {"type": "a"}}, {"with": {"type": "b"}}]}}
    fired = started(on, 100, (1.0, a), (1.0, b), (5.0, other), crashes=crashes)
    assert fired == [(1.0, [a]), (1.0, [b]), (5.0, [other])]


@pytest.mark.parametrize(("catch_up", "hours"), [("none", [8.0]), ("one", [7.5, 8.0]), ("all", [7.5] * 7 + [8.0])])
def test_it_catches_up_as_it_is_told(catch_up: str, hours: list[float]) -> None:
    machine = Machine(Environment(catch_up=catch_up))
    instance = Instance("schedule", compiled({"set": {"n": 1}}, schedule={"every": "PT1H"}), {}, SCHEDULE)
    machine.advance(instance, Tick(), 0.0)
    fired: list[float] = []
    for now in (7.5 * HOUR, 8 * HOUR):
        machine.advance(instance, Tick(), now)
        while effects := machine.pending(instance, now):
            fired.append(now / HOUR)
            (effect,) = effects
            machine.advance(instance, Completed(effect.key, Outcome(None)), now)
            machine.advance(instance, Tick(), now)
    assert fired == hours
    assert instance.wake_at() == 9 * HOUR


def test_cron_reads_the_zone_of_the_environment() -> None:
    machine = Machine(Environment(timezone="Asia/Tokyo"))
    instance = Instance("schedule", compiled({"set": {"n": 1}}, schedule={"cron": "0 9 * * *"}), {}, SCHEDULE)
    machine.advance(instance, Tick(), START_AT)
    assert instance.wake_at() == START_AT + 24 * HOUR


@pytest.mark.parametrize("cron", ["61 * * * *", "* * * *", "x", "* * * * * * *", 5])
def test_a_cron_expression_that_makes_no_sense(cron: Any) -> None:
    assert [position for position, _ in problems({"set": {"n": 1}}, schedule={"cron": cron})] == ["/schedule/cron"]
