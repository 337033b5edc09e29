"""Environment: what a runtime lends to its instances; and what a failure of theirs is as a fault."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flowrt.core.expression import ExpressionFailed, ExpressionTimedOut
from flowrt.core.fault import Fault, Faulted

Json = Any


@dataclass(frozen=True, slots=True)
class Environment:
    """What the runtime lends to its instances."""

    runtime: Mapping[str, Json] = field(default_factory=lambda: {"name": "flowrt", "version": "", "metadata": {}})
    """`$runtime`."""
    secret: Callable[[str], Json] = field(default=lambda name: None)
    """Gives a secret by name; None when there is none."""
    catch_up: str = "one"
    """What a schedule does about fires it missed: none, one, all."""
    timezone: str = "UTC"
    """Where cron expressions are read."""


def fault_of(error: ExpressionFailed | Faulted) -> Fault:
    """The fault that a failed evaluation or a step of the data flow is."""
    if isinstance(error, Faulted):
        return error.fault
    if isinstance(error, ExpressionTimedOut):
        return Fault.of("timeout", str(error))
    return Fault.of("expression", str(error))
