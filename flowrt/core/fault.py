"""Fault: a DSL error as a value (RFC 9457 problem details), and the specification's standard error types.

`try` sees faults and nothing else; Python exceptions are for operators and callers.
Source: dsl-reference.md, "Error" and "Standard Error Types".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

PREFIX = "https://serverlessworkflow.io/spec/1.0.0/errors/"
OLDER_PREFIX = "https://serverlessworkflow.io/dsl/errors/types/"
"""The spelling that the conformance kit uses; matches like the current one."""

STANDARD = {
    "configuration": (400, "Configuration Error"),
    "validation": (400, "Validation Error"),
    "expression": (400, "Expression Error"),
    "authentication": (401, "Authentication Error"),
    "authorization": (403, "Authorization Error"),
    "timeout": (408, "Timeout"),
    "communication": (500, "Communication Error"),
    "runtime": (500, "Runtime Error"),
}
"""Short name -> default status and title."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A DSL error. `instance` is the position (JSON pointer) of the task it comes from."""

    type: str
    status: int
    title: str | None = None
    detail: str | None = None
    instance: str | None = None

    @classmethod
    def of(cls, name: str, detail: str, *, status: int | None = None, title: str | None = None) -> Fault:
        """A fault of the standard type `name` (`communication`, `timeout`, …)."""
        default_status, default_title = STANDARD[name]
        return cls(PREFIX + name, default_status if status is None else status, title or default_title, detail)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Fault:
        return cls(data["type"], data["status"], data.get("title"), data.get("detail"), data.get("instance"))

    def at(self, position: str) -> Fault:
        """The same fault with its origin, unless it has one."""
        return self if self.instance is not None else replace(self, instance=position)

    def to_json(self) -> dict[str, Any]:
        """Its members in RFC 9457 order, those that are set."""
        members = ("type", self.type), ("title", self.title), ("status", self.status)
        more = ("detail", self.detail), ("instance", self.instance)
        return {name: value for name, value in members + more if value is not None}


class Faulted(Exception):
    """Carries a fault out of an effect adapter or a data-flow step to the machine, which turns it back into a value."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.detail or fault.title or fault.type)
        self.fault = fault


def canonical_type(uri: str) -> str:
    """The current full URI of a standard type given in full, in the older spelling or by short name; else `uri`."""
    if uri in STANDARD:
        return PREFIX + uri
    if uri.startswith(OLDER_PREFIX) and uri[len(OLDER_PREFIX) :] in STANDARD:
        return PREFIX + uri[len(OLDER_PREFIX) :]
    return uri
