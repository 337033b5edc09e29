"""The heart of the matter: random workflows end the same way, however often and wherever the process dies.

`FLOWRT_SOAK=1` runs ten times as many programs; `FLOWRT_SEED=7` runs one.
"""

from __future__ import annotations

import os

import pytest
import yaml

from flowrt.testing.happening import Broken, CrashEverywhere
from tests.simulation.generator import Program, program
from tests.simulation.running import CrashSometimes, compiled, run

ONE = os.environ.get("FLOWRT_SEED")
PROGRAMS = 10_000 if os.environ.get("FLOWRT_SOAK") else 1_000
CHUNK = 100


def difference(made: Program) -> str | None:
    """How its runs differ, or what they break."""
    definitions = compiled(made)
    try:
        calm, slow = run(made, definitions), run(made, definitions, budget=1)
        pairs = {
            "a crash at every commit": (calm, run(made, definitions, CrashEverywhere())),
            "random crashes": (calm, run(made, definitions, CrashSometimes(made.seed))),
            "turns of one step and a crash at every commit": (
                slow,
                run(made, definitions, CrashEverywhere(), budget=1),
            ),
        }
        if made.sequential:
            pairs["turns of one step"] = (calm, slow)
    except Broken as error:
        return f"it breaks: {error}"
    for name, (one, other) in pairs.items():
        if (found := one.difference(other)) is not None:
            return f"with {name}: {found}"
    return None


def report(made: Program, found: str) -> str:
    text = "\n---\n".join(yaml.safe_dump(each, sort_keys=False) for each in made.definitions)
    around = f"input: {made.input}\nevents: {made.events}\nsignals: {made.signals}"
    return f"seed {made.seed} {found}\n\n{text}\n{around}\nAgain: FLOWRT_SEED={made.seed}"


@pytest.mark.parametrize("first", [int(ONE)] if ONE else range(0, PROGRAMS, CHUNK))
def test_programs_end_the_same_wherever_they_crash(first: int) -> None:
    for seed in range(first, first + (1 if ONE else CHUNK)):
        made = program(seed)
        found = difference(made)
        if found is not None:
            pytest.fail(report(made, found))
