"""States: one file for each type that has one way on. `STATES` is the table of them.

A converter gives a task from the state's data to the state's data; filters, errors, timeouts and where it leads are
added by `flowrt.legacy.flow`. Switches, which lead several ways, stand in `switch`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flowrt.legacy.source import Source
from flowrt.legacy.states.callback import callback
from flowrt.legacy.states.event import event
from flowrt.legacy.states.foreach import foreach
from flowrt.legacy.states.parallel import parallel
from flowrt.legacy.states.simple import inject, operation, sleep

Json = Any
Convert = Callable[[Source, Mapping[str, Json], str], dict[str, Json]]

STATES: dict[str, Convert] = {
    "operation": operation,
    "sleep": sleep,
    "inject": inject,
    "foreach": foreach,
    "parallel": parallel,
    "callback": callback,
    "event": event,
}
"""Type of a state -> its converter."""

__all__ = ["STATES", "Convert"]
