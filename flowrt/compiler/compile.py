"""Compiling a text: read, compiled, and its problems located in it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from flowrt.compiler.compilation import Compilation
from flowrt.compiler.document import Document, Unreadable, read
from flowrt.compiler.externals import External, externals
from flowrt.compiler.languages import Languages
from flowrt.core.build import Problem
from flowrt.core.definition import WorkflowDefinition

Json = Any


@dataclass(frozen=True, slots=True)
class Located:
    """A problem with where it stands: file, line and column (from 1)."""

    problem: Problem
    file: str | None = None
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file or "<definition>", self.line, self.column) if part)
        remedy = f" {self.problem.remedy}" if self.problem.remedy else ""
        return f"{place}: {self.problem.position}: {self.problem.message}.{remedy}"

    def to_json(self) -> dict[str, Json]:
        """For programs."""
        return {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "position": self.problem.position,
            "message": self.problem.message,
            "remedy": self.problem.remedy,
        }


class InvalidDefinition(Exception):
    """A document is no valid workflow; `problems` lists everything that is wrong with it."""

    def __init__(self, problems: Collection[Located]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = list(problems)


def compile_text(
    text: str | bytes, languages: Languages, file: str | None = None, base_uri: str | None = None
) -> WorkflowDefinition:
    """Compiles a definition. Raises `InvalidDefinition` with every problem."""
    try:
        document = read(text)
    except Unreadable as error:
        raise InvalidDefinition([Located(error.problem, file, error.line, error.column)]) from None
    build = Compilation(document, languages)
    definition = build.run(text if isinstance(text, str) else text.decode(), base_uri)
    if build.problems:
        unique = dict.fromkeys(build.problems)
        raise InvalidDefinition([_locate(problem, document, file) for problem in unique])
    return definition


def external_documents(text: str | bytes, default_catalog: str | None = None) -> list[External]:
    """The external documents that a definition, or the document of a function, needs to be compiled."""
    try:
        return externals(read(text).data, default_catalog)
    except Unreadable:
        return []


def _locate(problem: Problem, document: Document, file: str | None) -> Located:
    mark = document.mark(problem.position.rstrip("/"))
    return Located(problem, file, *(mark or (None, None)))
