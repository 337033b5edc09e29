"""The subscribe task in a simulated world: every scenario beside this file, calm and with a crash at every commit."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowrt.testing.scenario import load, run

SCENARIOS = sorted((Path(__file__).parent / "scenarios").glob("*.yaml"))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_scenario(path: Path) -> None:
    scenario = load(path)
    differences = run(scenario) or run(scenario, crash_everywhere=True)
    assert not differences, f"{scenario.title}\n" + "\n".join(differences)
