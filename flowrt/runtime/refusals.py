"""Refusals: why a verb on an instance was not done."""

from __future__ import annotations

from collections.abc import Mapping

from flowrt.core.fault import Fault


class UnknownInstance(Exception):
    """No stored instance has that id."""


class Conflict(Exception):
    """The instance is not in a state that allows it; the message says which state it is in."""


class InvalidInput(Exception):
    """The input breaks the workflow's schema; `fault` is what the workflow would have faulted with."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.detail)
        self.fault = fault


def missing(aside: Mapping[str, str], id: str) -> Conflict | UnknownInstance:
    """Why there is no driving an instance."""
    reason = aside.get(id)
    return Conflict(f"{id} is set aside: {reason}") if reason else UnknownInstance(f"there is no instance {id}")
