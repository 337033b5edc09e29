"""Build: what a compiler lends to the readers of a document, and the problems they note."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from flowrt.core.definition import CheckSchema, Task
from flowrt.core.expression import Expression

if TYPE_CHECKING:
    from flowrt.core.reader import Reader


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at a position, why, and what to do."""

    position: str
    message: str
    remedy: str = ""


class Build(Protocol):
    """What the compiler lends to readers: languages, references, and the lists it collects."""

    problems: list[Problem]
    warnings: list[Problem]
    loose: bool

    def expression(self, source: str) -> Expression:
        """Compiles one expression; raises `InvalidExpression`."""
        ...

    def in_jq(self, source: str) -> bool:
        """Whether an expression is one of jq's."""
        ...

    def schema(self, reader: Reader) -> CheckSchema | None:
        """The check of a `schema` object."""
        ...

    def task(self, reader: Reader, name: str, index: int) -> Task:
        """The task that stands there."""
        ...

    def body(self, reader: Reader, name: str) -> Task:
        """The task of the function `name`."""
        ...

    def reference(self, section: str, name: str) -> Reader | None:
        """The component `use.<section>.<name>`."""
        ...

    def external_function(self, name: str) -> Reader | None:
        """The function that stands at a URI or in a catalog."""
        ...

    def resource(self, uri: str) -> bytes | None:
        """An external document, fetched before."""
        ...

    def function(self, name: str) -> bool:
        """Whether a registered function of this name exists outside the definition."""
        ...

    def secret(self, name: str) -> bool:
        """Whether `use.secrets` lists it."""
        ...
