"""Notes: what a conversion could not carry over as it was, and where that stands in the 0.8 document."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Json = Any


@dataclass(frozen=True, slots=True)
class Note:
    """`where` is a JSON pointer into the 0.8 document."""

    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.where or '/'}: {self.message}"

    def to_json(self) -> dict[str, Json]:
        """For programs."""
        return {"where": self.where, "message": self.message}


@dataclass(slots=True)
class Notes:
    """Collects notes, and the problems that make a document no valid 0.8."""

    notes: list[Note] = field(default_factory=list)
    problems: list[Note] = field(default_factory=list)

    def add(self, where: str, message: str) -> None:
        """What has no counterpart, or only nearly one; said once."""
        note = Note(where, message)
        if note not in self.notes:
            self.notes.append(note)

    def problem(self, where: str, message: str) -> None:
        """What is wrong with the document."""
        problem = Note(where, message)
        if problem not in self.problems:
            self.problems.append(problem)
