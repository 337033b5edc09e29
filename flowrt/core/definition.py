"""WorkflowDefinition and Task: the compiled, immutable tree that instances run through.

A task answers the machine with a value: `Done`, `Skipped`, `Run`, `RunAll`, `WAIT`, or a `Fault`. It never calls the
machine to transfer control, and it keeps what must survive in `state.memory` (small, rewritten when it changes) and
`state.fixed` (written once).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from flowrt.core.effect import Effect, Outcome
from flowrt.core.fault import Fault
from flowrt.core.template import Template

if TYPE_CHECKING:
    from flowrt.core.instance import TaskState
    from flowrt.core.machine import Machine

Json = Any
CheckSchema = Callable[[Json], str | None]
"""Says what is wrong with a value, or None."""

CONTINUE, EXIT, END = -1, -2, -3
"""Flow directives; a number from zero on is the index of a sibling (dsl-reference.md, "Flow Directive")."""

DIRECTIVES = {"continue": CONTINUE, "exit": EXIT, "end": END}


@dataclass(slots=True)
class Done:
    """The task has its raw output; `then` overrides the task's own directive."""

    output: Json
    then: int | None = None


@dataclass(slots=True)
class Skipped:
    """The task does not run: its raw input is its output, untransformed."""

    output: Json


@dataclass(slots=True)
class Run:
    """Enter this child with this raw input; its completion comes back through `resume`."""

    task: Task
    input: Json


@dataclass(slots=True)
class RunAll:
    """Enter these children side by side, in this order."""

    children: Sequence[tuple[Task, Json]]


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before a signal: an effect, an event or a deadline."""


WAIT = Wait()
Step = Done | Skipped | Run | RunAll | Wait | Fault


@dataclass(frozen=True, slots=True)
class Subscription:
    """How the runtime finds a listening task for an event, without asking every instance.

    An event may concern it if its type is `type` (None: any) and `expression` on the event gives `value`
    (None: no such condition). What it does with the event is the task's own decision.
    """

    type: str | None
    expression: str | None = None
    value: Json = None


class Task:
    """The fields and hooks every task has. Subclasses override the hooks that their meaning needs."""

    kind: ClassVar[str] = ""
    binds: tuple[str, ...] = ()
    """Names of the variables it gives to the expressions of its children."""
    hidden: bool = False
    """Leaves no record and no lifecycle event: it only serves another task at the same position."""

    name: str
    position: str
    key: str
    """Names its states in the store; the position, but for hidden tasks."""
    index: int
    siblings: tuple[Task, ...]
    next: Task | None
    loop: str
    """Key of the innermost task around it that counts rounds; empty outside loops."""
    counts_rounds: bool = False
    """Its children may run more than once: each round gives them an iteration of its own."""
    inner_loops: tuple[str, ...] = ()
    """Keys of the tasks inside it that count rounds, for a task that itself does."""
    children: tuple[Task, ...] = ()
    then: int = CONTINUE
    outcomes: tuple[int, ...] = ()
    """Directives it may end with besides `then`."""
    reads_context: bool = False
    """For a task with an effect: whether its arguments may depend on the context."""
    constant_arguments: Json = None
    """For a task with an effect: its arguments as written, for what can be checked at load."""
    definition: Mapping[str, Json]
    base_uri: str | None

    condition: Template | None = None
    input_schema: CheckSchema | None = None
    input_from: Template | None = None
    output_as: Template | None = None
    output_schema: CheckSchema | None = None
    export_as: Template | None = None
    export_schema: CheckSchema | None = None
    tags: Template | None = None
    """Gives tags that the instance gets when the task has completed (`metadata.tags`)."""
    timeout: Template | None = None
    """Gives the seconds after which it times out."""
    plain_entry: bool = True
    plain_exit: bool = True

    def layers(self) -> Sequence[Task]:
        """The tasks that are one for the workflow: itself, and the one it wraps at the same position."""
        return (self,)

    def enter(self, state: TaskState, machine: Machine) -> Step:
        """Begins, with `state.data` as its transformed input."""
        raise TypeError(f"{type(self).__name__} does not say how it begins")

    def resume(self, state: TaskState, child: TaskState, output: Json, then: int, machine: Machine) -> Step:
        """A child has completed with its transformed output and its flow directive (never END)."""
        raise TypeError(f"{type(self).__name__} has no children")

    def completed(self, state: TaskState, outcome: Outcome, machine: Machine) -> Step:
        """The effect it waited for gave an outcome."""
        return Done(outcome.output)

    def effect_failed(self, state: TaskState, fault: Fault, machine: Machine) -> Step:
        """The effect it waited for failed."""
        return fault

    def woken(self, state: TaskState, machine: Machine) -> Step:
        """The deadline it set in `state.wake_at` has come."""
        return Done(state.data)

    def arrived(self, state: TaskState, event: dict[str, Json], machine: Machine) -> Step:
        """An event is offered; `WAIT` when there is nothing to do now. One that takes it has another `memory` then."""
        return WAIT

    def catches(self, state: TaskState, child: TaskState, fault: Fault, machine: Machine) -> bool:
        """Whether `failed` deals with a fault that came out of a child."""
        return False

    def failed(self, state: TaskState, child: TaskState, fault: Fault, machine: Machine) -> Step:
        """Deals with it; the child and everything below is already gone."""
        return fault

    def attempted(self, state: TaskState, attempt: int, machine: Machine) -> None:
        """An attempt number has been used by a task below it."""

    def effect(self, state: TaskState, machine: Machine) -> Effect:
        """What it waits for while `state.wants_effect`; evaluated anew after a restart."""
        raise TypeError(f"{type(self).__name__} has no effect")

    def subscriptions(self, state: TaskState, machine: Machine) -> Sequence[Subscription]:
        """What a waiting state listens for."""
        return ()

    def variable(self, state: TaskState, name: str) -> Json:
        """The value of one of `binds`."""
        raise KeyError(name)


def following(task: Task, then: int) -> Task | None:
    """The task of the same list that a directive leads to; None when the list has ended."""
    if then == CONTINUE:
        return task.next
    return task.siblings[then] if then >= 0 else None


@dataclass(slots=True)
class WorkflowDefinition:
    """A compiled definition, known by the digest of its document; an instance is pinned to it."""

    namespace: str
    name: str
    version: str
    digest: str
    document: Mapping[str, Json]
    source: str
    """The text it was read from, as stored with the digest."""
    root: Task
    tasks: dict[str, Task]
    """By key."""
    schedule: Task | None = None
    secrets: frozenset[str] = frozenset()
    tags: Mapping[str, str] = field(default_factory=dict)
    bounded: bool = True
    """None of its expressions can run away; otherwise its instances advance off the event loop."""
    effect_kinds: Mapping[str, Sequence[Task]] = field(default_factory=dict)
    """Which kinds of effect it uses, and where."""
    warnings: Sequence[str] = ()
    """What was noted while compiling: with positions, for people."""
    expressions: Sequence[str] = ()
    """The sources of its runtime expressions."""
    base_uri: str | None = None
    input_schema: Json = None
    """The JSON Schema document of the workflow's input, if any, for descriptions of the API."""

    @property
    def id(self) -> str:
        """`namespace:name:version`."""
        return f"{self.namespace}:{self.name}:{self.version}"
