"""The heart of the matter: random workflows end the same way, however often and wherever the process dies.

`FLOWRT_SOAK=1` runs ten times as many programs; `FLOWRT_SEED=7` runs one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import pytest
import yaml

from flowrt.testing.happening import Broken, CrashEverywhere
from tests.simulation.generator import Program, program
from tests.simulation.running import CrashSometimes, Result, compiled, run

ONE = os.environ.get("FLOWRT_SEED")
SOAK = bool(os.environ.get("FLOWRT_SOAK"))
PROGRAMS, CHUNK = (12_000 if SOAK else 400), 50
MANNERS: dict[str, Any] = {
    "whole turns": {},
    "turns of one step": {"budget": 1, "accept": True},
    "short turns and group commit": {"budget": 5, "group": 40},
}
"""In which manners the runtime may work. Each must come through crashes; what they do side by side may differ."""


def difference(made: Program, manners: Iterable[str]) -> str | None:
    """How its runs differ, or what they break."""
    definitions = compiled(made)
    calm: dict[str, Result] = {}
    try:
        for name in manners:
            calm[name] = run(made, definitions, **MANNERS[name])
            for crash in (CrashEverywhere(), CrashSometimes(made.seed)):
                found = calm[name].difference(run(made, definitions, crash, **MANNERS[name]))
                if found is not None:
                    return f"with {name} and {type(crash).__name__}: {found}"
    except Broken as error:
        return f"it breaks: {error}"
    if made.sequential:
        for name, result in calm.items():
            if (found := calm["whole turns"].difference(result)) is not None:
                return f"with {name}: {found}"
    return None


def chosen(seed: int) -> list[str]:
    """The manners in which a program is run."""
    first, *others = MANNERS
    return [first, *others] if SOAK or ONE else [first, others[seed % 2]]


def report(made: Program, found: str) -> str:
    text = "\n---\n".join(yaml.safe_dump(each, sort_keys=False) for each in made.definitions)
    around = f"input: {made.input}\nevents: {made.events}\nsignals: {made.signals}"
    return f"seed {made.seed} {found}\n\n{text}\n{around}\nAgain: FLOWRT_SEED={made.seed}"


@pytest.mark.parametrize("first", [int(ONE)] if ONE else range(0, PROGRAMS, CHUNK))
def test_programs_end_the_same_wherever_they_crash(first: int) -> None:
    for seed in range(first, first + (1 if ONE else CHUNK)):
        made = program(seed)
        found = difference(made, chosen(seed))
        if found is not None:
            pytest.fail(report(made, found))
