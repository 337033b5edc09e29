"""Instance and TaskState: a small tree of task states, everything a running workflow is.

Invariants: a state is in `live` exactly while it, or a task below it, waits or has yet to begin; what `live` holds is
what restore reads. `Changes` says what has changed since the last commit, nothing else does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from flowrt.core.definition import Task, WorkflowDefinition
from flowrt.core.effect import Effect
from flowrt.core.fault import Fault
from flowrt.core.signal import Signal

Json = Any
StateKey = tuple[str, int]
"""Storage pointer and iteration: what names a live state, and a record, within its instance."""

PENDING, RUNNING, WAITING, SUSPENDED = "pending", "running", "waiting", "suspended"
CANCELLED, FAULTED, COMPLETED = "cancelled", "faulted", "completed"
WORKFLOW, SCHEDULE = "workflow", "schedule"
"""Roles: an instance runs the tasks of its definition, or its schedule."""
PHASES = (PENDING, RUNNING, WAITING, SUSPENDED, CANCELLED, FAULTED, COMPLETED)
"""The status phases in the specification's order."""
ENDED = frozenset((CANCELLED, FAULTED, COMPLETED))


class TaskState:
    """One run of one task. Most end within the step that began them and never become live."""

    output: Json = None
    """Raw until the data flow leaves the task, then transformed."""
    raw_output: Json = None
    round: int | None = None
    """The iteration of its children, where it differs from its own."""
    run: int | None = None
    """The attempt of its children, where it differs from its own."""
    started_at: float = 0.0
    timeout_at: float | None = None
    wake_at: float | None = None
    memory: Any = None
    fixed: Any = None
    entered: bool = False
    wants_effect: bool = False
    wanted: Effect | None = None
    """The effect with its arguments evaluated; never stored."""
    authorization: dict[str, str] | None = None
    pinned: Json = None
    """`[context]` as it was when its effect began, once another branch has replaced it: a repetition is the same."""
    listening: bool = False
    sequence: int = 0
    """Order of becoming live; 0 while it is not."""
    children: dict[StateKey, TaskState] | None = None

    def __init__(self, task: Task, parent: TaskState | None, input: Json) -> None:
        self.task = task
        self.parent = parent
        self.input = input
        self.data = input
        if parent is None:
            self.iteration = self.attempt = 0
        else:
            self.iteration = parent.iteration if parent.round is None else parent.round
            self.attempt = parent.attempt if parent.run is None else parent.run

    @property
    def key(self) -> StateKey:
        return self.task.key, self.iteration

    @property
    def effect_key(self) -> tuple[str, int, int]:
        return self.task.key, self.iteration, self.attempt

    def place(self) -> list[int]:
        """Where it stands in the tree of live states: what is ready begins in this order, branch by branch."""
        above = [] if self.parent is None else self.parent.place()
        return [*above, self.sequence]

    def subtree(self) -> Iterator[TaskState]:
        """Itself and the live states below it."""
        yield self
        for child in list(self.children.values()) if self.children else ():
            yield from child.subtree()


@dataclass(slots=True)
class TaskRecord:
    """A completed task, as the history keeps it."""

    task: Task
    iteration: int
    attempt: int
    started_at: float
    ended_at: float
    output: Json
    then: int
    context: Json
    exported: bool
    """Whether `context` is new with this task; otherwise it is as before."""


@dataclass(slots=True)
class Changes:
    """What one commit has to write."""

    states: dict[StateKey, TaskState | None] = field(default_factory=dict)
    """Live states that are new or changed; None for those that are gone."""
    born: set[StateKey] = field(default_factory=set)
    """Those of `states` whose fixed part is not stored yet."""
    history: list[TaskRecord] = field(default_factory=list)
    pruned: dict[str, int] = field(default_factory=dict)
    """Loop key -> its records of earlier iterations than this go."""
    emitted: list[dict[str, Json]] = field(default_factory=list)
    fields: set[str] = field(default_factory=set)
    """Large members to write: input, context, output, error."""
    head: bool = False
    listeners: bool = False


@dataclass(slots=True)
class Fact:
    """Something that happened to the workflow (`position` empty) or a task, for lifecycle events and progress."""

    name: str
    """`started`, `completed`, `faulted`, `retried`, `suspended`, …: the middle word of the lifecycle event's type."""
    position: str
    at: float
    data: Mapping[str, Json] = field(default_factory=dict)


class Instance:
    """One execution of a definition. Moved by `Machine.advance` only."""

    def __init__(self, id: str, definition: WorkflowDefinition, input: Json, role: str = WORKFLOW) -> None:
        self.id = id
        self.definition = definition
        self.input = input
        self.role = role
        self.status = PENDING
        self.context: Json = None
        self.output: Json = None
        self.error: Fault | None = None
        self.started_at = 0.0
        self.ended_at: float | None = None
        self.revision = 0
        self.root: TaskState | None = None
        self.live: dict[StateKey, TaskState] = {}
        self.ready: list[TaskState] = []
        self.exported = False
        """Whether the context is newer than what the last record of a task outside of inner loops tells."""
        self.counters: dict[str, int] = {}
        self.held: list[Signal] = []
        self.suspended = False
        self.sequence = 0
        self.parent: tuple[str, tuple[str, int, int]] | None = None
        """The instance that waits for this one, and the key of its effect."""
        self.depth = 0
        """How many workflows it stands within."""
        self.tags: dict[str, str] = dict(definition.tags)
        self.changes = Changes(head=True, fields={"input"})
        self.facts: list[Fact] | None = None
        """Collects facts when someone wants them."""

    @property
    def root_task(self) -> Task:
        """What it runs."""
        schedule = self.definition.schedule
        return schedule if self.role == SCHEDULE and schedule is not None else self.definition.root

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    def take_changes(self) -> Changes:
        """What has changed since the last call; counts the revision that the commit will write."""
        changes, self.changes = self.changes, Changes()
        self.revision += 1
        return changes

    def wake_at(self) -> float | None:
        """The earliest deadline among its live states (epoch seconds)."""
        if self.ended or self.suspended:
            return None
        times = [at for state in self.live.values() for at in (state.wake_at, state.timeout_at) if at is not None]
        return min(times, default=None)

    def effects_wanted(self) -> list[TaskState]:
        """The live states that wait for an effect, in order."""
        if self.ended:
            return []
        return [state for state in self.live.values() if state.wants_effect]

    def listeners(self) -> list[TaskState]:
        """The live states that listen, in the order in which they began."""
        if self.ended:
            return []
        return sorted((s for s in self.live.values() if s.listening), key=lambda state: state.sequence)
