"""Every scenario file in the folders beside this one: calm, and with a crash before and after every commit."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowrt.testing.scenario import load, run

FOLDER = Path(__file__).parent
SCENARIOS = sorted(FOLDER.glob("*/*.yaml"))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_scenario(path: Path) -> None:
    scenario = load(path)
    differences = run(scenario) or run(scenario, crash_everywhere=True)
    assert not differences, f"{scenario.title}\n" + "\n".join(differences)


def test_there_are_scenarios() -> None:
    assert len(SCENARIOS) >= 499
