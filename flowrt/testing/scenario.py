"""Scenarios: workflow tests, played in a simulated world where time costs nothing."""

from __future__ import annotations

from flowrt.testing.play import play, play_with_crashes
from flowrt.testing.scenario_file import InvalidScenario, Scenario, load


def run(scenario: Scenario, crash_everywhere: bool = False) -> list[str]:
    """Plays a scenario; what is not as expected, in words. Empty: it passed.

    With `crash_everywhere` it is played again with a crash before and after every commit: one at a time, then all.
    """
    return play_with_crashes(scenario) if crash_everywhere else play(scenario)


__all__ = ["InvalidScenario", "Scenario", "load", "run"]
