"""Findings: what the doctor says, one thing each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is: an error keeps something from running, a warning is for somebody to decide."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


MARKS = {Level.OK: "✓", Level.WARNING: "!", Level.ERROR: "✗"}


@dataclass(frozen=True, slots=True)
class Finding:
    """`check` is the name of what was looked at."""

    level: Level
    check: str
    message: str

    def __str__(self) -> str:
        return f"{MARKS[self.level]} {self.check}: {self.message}"

    def to_json(self) -> dict[str, str]:
        """For programs."""
        return {"level": self.level.value, "check": self.check, "message": self.message}


def ok(check: str, message: str) -> Finding:
    """Nothing to do."""
    return Finding(Level.OK, check, message)


def warning(check: str, message: str) -> Finding:
    """It runs; somebody should know."""
    return Finding(Level.WARNING, check, message)


def error(check: str, message: str) -> Finding:
    """Something will not run, or not safely."""
    return Finding(Level.ERROR, check, message)
