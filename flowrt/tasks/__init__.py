"""The tasks of the DSL, one file each: its parsing beside its meaning. `TASKS` is the table of them."""

from __future__ import annotations

from flowrt.core.definition import Task
from flowrt.tasks.call import Call
from flowrt.tasks.common import ParseTask
from flowrt.tasks.do import Do
from flowrt.tasks.emit import Emit
from flowrt.tasks.for_ import For
from flowrt.tasks.fork import Fork
from flowrt.tasks.listen import Listen
from flowrt.tasks.raise_ import Raise
from flowrt.tasks.run import parse_run
from flowrt.tasks.set import Set
from flowrt.tasks.switch import Switch
from flowrt.tasks.try_ import Try
from flowrt.tasks.wait import Wait

TASKS: dict[str, tuple[ParseTask, tuple[str, ...]]] = {
    "call": (Call.parse, ("call", "with")),
    "do": (Do.parse, ("do",)),
    "emit": (Emit.parse, ("emit",)),
    "for": (For.parse, ("for", "while", "do")),
    "fork": (Fork.parse, ("fork",)),
    "listen": (Listen.parse, ("listen", "foreach")),
    "raise": (Raise.parse, ("raise",)),
    "run": (parse_run, ("run",)),
    "set": (Set.parse, ("set",)),
    "switch": (Switch.parse, ("switch",)),
    "try": (Try.parse, ("try", "catch")),
    "wait": (Wait.parse, ("wait",)),
}
"""Keyword that makes a task -> how it is read, and its own properties. `do` beside `for` belongs to `for`."""

__all__ = ["TASKS", "Task"]
