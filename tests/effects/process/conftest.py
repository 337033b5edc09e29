"""What the tests of processes share: effects to run, settings that allow them, and a look at what still runs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flowrt.core.effect import Effect
from flowrt.effects.process import ProcessSettings

EffectOf = Callable[..., Effect]


@pytest.fixture
def allowed() -> ProcessSettings:
    return ProcessSettings(shell_enabled=True, script_enabled=True, path=os.environ["PATH"])


@pytest.fixture
def effect() -> EffectOf:
    def make(kind: str = "shell", **arguments: Any) -> Effect:
        # `return` is a word of Python, so the keyword is `returns`.
        if "returns" in arguments:
            arguments["return"] = arguments.pop("returns")
        return Effect(kind=kind, arguments=arguments, instance="01J", position="/do/0/run", iteration=2, attempt=1)

    return make


@pytest.fixture
def alive() -> Callable[[int], bool]:
    """Whether the process runs: one that has ended but is not yet collected by its parent does not."""

    def state(pid: int) -> bool:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return False
        return stat.rpartition(")")[2].split()[0] not in "ZX"

    return state
