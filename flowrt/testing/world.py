"""World: a simulated runtime with its surroundings, without asyncio and without real time, that can die at any commit.

It does what the runtime does: advance, commit, then reconcile. Everything has a place in time, and of what happens at
one time the order is fixed, with crashes as without: so a run that crashes anywhere must end like one that does not.
What survives a crash is the stored images, and the outside: answers on their way, events and commands to come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from flowrt.core.definition import WorkflowDefinition
from flowrt.core.effect import Effect
from flowrt.core.environment import Environment
from flowrt.core.expression import Expression
from flowrt.core.instance import WORKFLOW, Instance, TaskRecord
from flowrt.core.intervention import begin_at, retry
from flowrt.core.machine import STEPS_A_TURN, Machine
from flowrt.core.records import restore
from flowrt.core.signal import Arrived, Signal, Tick
from flowrt.runtime.checkpoint import take_checkpoint
from flowrt.runtime.forking import place
from flowrt.runtime.index import SubscriptionIndex
from flowrt.runtime.running import changed
from flowrt.testing.happening import EMITTED, START_AT, Answer, Broken, Crash, Happening, Place, crash_never
from flowrt.testing.image import Image
from flowrt.testing.surroundings import Surroundings

Json = Any
MOST_STEPS = 200_000


class World:
    """Instances, their store and their surroundings.

    `answer` says how an effect ends; it is asked once for each key. `crash` is asked at every commit, before and after
    it is written, whether the process dies now. `group` is how many happenings of one moment a commit may cover;
    with `accept` a start is committed before the first turn is taken, as the starts of a batch may be.
    `inspect` sees every instance as it was just committed.
    """

    def __init__(
        self,
        definitions: Iterable[WorkflowDefinition],
        answer: Callable[[Effect], Answer],
        compile_expression: Callable[[str], Expression],
        environment: Environment | None = None,
        *,
        crash: Callable[[bool], bool] = crash_never,
        budget: int = STEPS_A_TURN,
        group: int = 1,
        accept: bool = False,
        inspect: Callable[[World, Instance], None] = lambda world, instance: None,
    ) -> None:
        self.now = START_AT
        self.images: dict[str, Image] = {}
        self.emitted: list[dict[str, Json]] = []
        self.trace: dict[str, list[TaskRecord]] = {}
        """Completed tasks by instance."""
        self.crashes = self.commits = 0
        self.live: dict[str, Instance] = {}
        self.machine = Machine(environment or Environment())
        self.definitions = {definition.digest: definition for definition in definitions}
        self._crash, self._budget, self._group, self._accept, self._inspect = crash, budget, group, accept, inspect
        self._compile = compile_expression
        self._index = SubscriptionIndex(compile_expression)
        self._surroundings = Surroundings(self, answer)
        self._outside: list[Happening] = []
        self._offered: dict[tuple[str, str], Place] = {}

    @property
    def calls(self) -> Sequence[Effect]:
        """Effects in the order in which they were first begun."""
        return self._surroundings.calls

    # From outside

    def start(self, definition: WorkflowDefinition, input: Json, id: str, role: str = WORKFLOW) -> None:
        """Starts an instance now."""
        place = self._outer_place(self.now)
        self._outside.append(Happening(place, lambda: [self.admit(Instance(id, definition, input, role))]))

    def deliver(self, id: str, signal: Signal, at: float) -> None:
        """Gives an operator's signal to an instance at a time."""
        self._outside.append(Happening(self._outer_place(at), lambda: self.advance(id, signal)))

    def retry(self, id: str, at: float) -> None:
        """Takes a faulted instance back to the task that failed, at a time."""

        def again() -> list[Instance]:
            self.live[id] = instance = self.read(id)
            retry(self.machine, instance, self.now)
            self._listen(instance)
            return [instance]

        self._outside.append(Happening(self._outer_place(at), again))

    def fork(self, origin: str, id: str, position: str | None, at: float) -> None:
        """Starts an instance where another one stood before a task, at a time."""

        def forked() -> list[Instance]:
            other = self.read(origin)
            found = place(other, self.images[origin].completed(), position)
            instance = Instance(id, other.definition, other.input)
            if found is not None:
                begin_at(self.machine, instance, found.task, found.before, self.now)
            return [self.admit(instance)]

        self._outside.append(Happening(self._outer_place(at), forked))

    def publish(self, event: dict[str, Json], at: float) -> None:
        """Publishes an event at a time."""
        self._publish(event, self._outer_place(at))

    def listening(self) -> bool:
        """Whether any instance listens for an event."""
        return any(instance.listeners() for instance in self.live.values())

    def read(self, id: str) -> Instance:
        """An instance as it is stored."""
        stored = self.images[id].read()
        return restore(stored, self.definitions[stored.head["digest"]])

    # Time

    def run(self) -> None:
        """Goes on until nothing more is to come."""
        for _ in range(MOST_STEPS):
            if not self.step() and not self.pass_time():
                return
        raise Broken(f"it did not end within {MOST_STEPS} steps; does it go round in circles?")

    def step(self) -> bool:
        """Lets the next thing happen that is due by now, and commits it; False when there is none."""
        happenings: list[Happening] = []
        moved: dict[str, Instance] = {}
        outside = self._outside
        while len(happenings) < self._group and (happening := self._next()) is not None:
            moved |= {instance.id: instance for instance in happening.act()}
            happenings.append(happening)
            self._outside = [each for each in self._outside if each is not happening]
            if happening.effect is not None:
                self._surroundings.due.pop(happening.effect, None)
        if not happenings:
            return False
        try:
            self._commit(happenings, moved, outside)
        except Crash:
            self.crashes += 1
            self._restart()
        return True

    def pass_time(self) -> bool:
        """Goes on to the time of the next thing to happen; False when nothing is to come."""
        times = [each.place[0] for each in (*self._outside, *self._surroundings.due.values())]
        times += [at for instance in self.live.values() if (at := instance.wake_at()) is not None]
        if not times:
            return False
        self.now = max(self.now, min(times))
        return True

    def _next(self) -> Happening | None:
        for id_, instance in self.live.items():
            if instance.ended:
                continue  # which is not committed yet
            wake_at = instance.wake_at()
            if ((instance.ready or instance.root is None) and not instance.suspended) or (
                wake_at is not None and wake_at <= self.now
            ):
                return Happening((self.now, 0, 0, 0), lambda id_=id_: self.advance(id_, Tick()))  # type: ignore[misc]
        first = min((*self._outside, *self._surroundings.due.values()), default=None)
        return first if first is not None and first.place[0] <= self.now else None

    def _outer_place(self, at: float) -> Place:
        return self._surroundings.place("", EMITTED, at)

    # What happens

    def admit(self, instance: Instance) -> Instance:
        """Begins an instance."""
        ranks = self._surroundings.ranks
        ranks.setdefault(instance.id, len(ranks) + 1)
        self.live[instance.id] = instance
        if not self._accept:
            self.machine.advance(instance, Tick(), self.now, self._budget)
            self._listen(instance)
        return instance

    def advance(self, id_: str, signal: Signal) -> list[Instance]:
        """Moves an instance, if it has not ended."""
        instance = self.live.get(id_)
        if instance is None:
            return []
        self.machine.advance(instance, signal, self.now, self._budget)
        self._listen(instance)
        return [instance]

    def _listen(self, instance: Instance) -> None:
        if instance.changes.listeners:
            self._index.put(instance.id, self.machine.subscriptions(instance, self.now))

    def _publish(self, event: dict[str, Json], place: Place) -> None:
        def offer() -> list[Instance]:
            if self._offered.setdefault((event["source"], event["id"]), place) != place:
                return []
            ids = sorted(self._index.matches(event), key=self._surroundings.ranks.__getitem__)
            return [instance for id_ in ids for instance in self.advance(id_, Arrived(event))]

        self._outside.append(Happening(place, offer))

    # Commit, then act

    def _commit(self, happenings: Sequence[Happening], moved: Mapping[str, Instance], before: list[Happening]) -> None:
        self.commits += 1
        if self._crash(False):
            self._outside = before  # nobody was told that it has happened
            raise Crash
        for instance in moved.values():
            if changed(instance):
                self._write(instance)
            self._inspect(self, instance)
        for happening in happenings:
            self._surroundings.committed(happening)
        if self._crash(True):
            raise Crash
        concerned = set(moved)
        concerned |= {instance.parent[0] for instance in moved.values() if instance.parent is not None}
        concerned |= {happening.effect[0] for happening in happenings if happening.effect is not None}
        known = {**self.live, **moved}
        for instance in moved.values():
            if instance.ended:
                self.live.pop(instance.id, None)
                self._index.remove(instance.id)
        ranks = self._surroundings.ranks
        self._reconcile(known[id_] for id_ in sorted(concerned & set(known), key=ranks.__getitem__))

    def _write(self, instance: Instance) -> None:
        self.trace.setdefault(instance.id, []).extend(instance.changes.history)
        checkpoint = take_checkpoint(instance, self.machine, self.now)
        self.images.setdefault(instance.id, Image()).write(checkpoint)
        for event in checkpoint.outbox:
            self.emitted.append(event)
            self._publish(event, self._surroundings.place(instance.id, EMITTED, self.now))

    def _restart(self) -> None:
        """A new process: all it has are the images."""
        self.live, self._surroundings.due = {}, {}
        self._index = SubscriptionIndex(self._compile)
        for id_ in sorted(self.images, key=self._surroundings.ranks.__getitem__):
            if not self.images[id_].ended:
                self.live[id_] = self.read(id_)
                self._index.put(id_, self.images[id_].subscriptions)
        self._reconcile(self.live.values())

    def _reconcile(self, instances: Iterable[Instance]) -> None:
        for instance in instances:
            self._surroundings.reconcile(instance)
        self._surroundings.cancel_orphans()
