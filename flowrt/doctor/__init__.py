"""The doctor: looks at an installation and its configuration before anything runs, and says what it finds."""

from __future__ import annotations

from collections.abc import AsyncIterator

from flowrt.config.model import Config
from flowrt.config.problem import ConfigProblem
from flowrt.doctor.definitions import definitions
from flowrt.doctor.findings import Finding, Level, error
from flowrt.doctor.installation import address, clock, plugged, python
from flowrt.doctor.production import production
from flowrt.doctor.storing import disk, store


async def examine(config: Config, strict: bool = False) -> AsyncIterator[Finding]:
    """Everything, in order. `strict`: as for production."""
    yield python()
    for finding in plugged():
        yield finding
    yield clock(config)
    yield address(config)
    async for finding in store(config):
        yield finding
    for finding in disk(config):
        yield finding
    try:
        async for finding in definitions(config):
            yield finding
    except ConfigProblem as problem:
        for line in problem.problems:
            yield error("configuration", line)
    if strict:
        for finding in production(config):
            yield finding


__all__ = ["Finding", "Level", "examine"]
