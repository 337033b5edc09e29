"""World: a simulated runtime with its surroundings, without asyncio and without real time, that can die at any commit.

It does what the runtime does: advance, commit, then reconcile. Everything has a place in time, and of what happens at
one time the order is fixed, with crashes as without: so a run that crashes anywhere must end like one that does not.
What survives a crash is the stored images, and the outside: answers on their way, events and commands to come.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from flowrt.core.definition import WorkflowDefinition
from flowrt.core.effect import Effect, Outcome
from flowrt.core.environment import Environment
from flowrt.core.expression import Expression
from flowrt.core.fault import Fault
from flowrt.core.instance import WORKFLOW, Instance, TaskRecord
from flowrt.core.machine import STEPS_A_TURN, Machine
from flowrt.core.records import restore
from flowrt.core.signal import Arrived, Cancel, Completed, Failed, Signal, Started, Tick
from flowrt.runtime.checkpoint import take_checkpoint
from flowrt.runtime.children import CHILD_KIND, DEEPEST, child_id, child_signal, refusal
from flowrt.runtime.definitions import version_order
from flowrt.runtime.index import SubscriptionIndex
from flowrt.runtime.running import changed
from flowrt.testing.image import Image

Json = Any
START_AT = 1767225600.0
"""2026-01-01T00:00:00Z."""
Place = tuple[float, int, int, int]
"""Time, rank of the instance (0: the outside), kind, number: what comes first."""
EffectName = tuple[str, tuple[str, int, int]]
"""Instance and key."""
EMITTED, ANSWER = 0, 1
MOST_STEPS = 200_000


class Broken(Exception):
    """The runtime's promises are broken; the message says which."""


class _Crash(Exception):
    """The process dies."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How the world answers an effect, and how long that takes."""

    result: Outcome | Fault
    after_s: float = 0.0


@dataclass(order=True, slots=True)
class _Happening:
    """Something that moves instances; when it is committed, it is over."""

    place: Place
    act: Callable[[], list[Instance]] = field(compare=False)
    effect: EffectName | None = field(default=None, compare=False)
    answers: bool = field(default=False, compare=False)
    """The effect is over with it."""


def crash_never(_written: bool) -> bool:
    """The calm world."""
    return False


class CrashEverywhere:
    """Every commit is lost once before it is written; and once it is, the process dies before it acts."""

    def __init__(self) -> None:
        self._lost = False

    def __call__(self, written: bool) -> bool:
        self._lost = not self._lost if not written else self._lost
        return written or self._lost


class World:
    """Instances, their store and their surroundings.

    `answer` says how an effect ends; it is asked once for each key. `crash` is asked at every commit, before and after
    it is written, whether the process dies now. `inspect` sees every instance as it was just committed.
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
        inspect: Callable[[World, Instance], None] = lambda world, instance: None,
    ) -> None:
        self.now = START_AT
        self.images: dict[str, Image] = {}
        self.calls: list[Effect] = []
        """Effects in the order in which they were first begun."""
        self.emitted: list[dict[str, Json]] = []
        self.trace: dict[str, list[TaskRecord]] = {}
        """Completed tasks by instance."""
        self.crashes = self.commits = 0
        self.live: dict[str, Instance] = {}
        self.machine = Machine(environment or Environment())
        self._definitions = {definition.digest: definition for definition in definitions}
        self._answer, self._crash, self._budget, self._inspect = answer, crash, budget, inspect
        self._compile = compile_expression
        self._index = SubscriptionIndex(compile_expression)
        self._due: dict[EffectName, _Happening] = {}
        """Answers on their way, for effects that this process has begun."""
        self._outside: list[_Happening] = []
        self._begun: dict[EffectName, Effect] = {}
        self._answers: dict[EffectName, Answer] = {}
        self._open: set[EffectName] = set()
        self._over: set[EffectName] = set()
        self._places: dict[tuple[EffectName, str], Place] = {}
        self._ranks: dict[str, int] = {}
        self._numbers: Counter[tuple[str, int]] = Counter()
        self._offered: dict[tuple[str, str], Place] = {}

    # From outside

    def start(self, definition: WorkflowDefinition, input: Json, id: str, role: str = WORKFLOW) -> None:
        """Starts an instance now."""

        def begin() -> list[Instance]:
            return [self._admit(Instance(id, definition, input, role))]

        self._outside.append(_Happening(self._outer_place(self.now), begin))

    def deliver(self, id: str, signal: Signal, at: float) -> None:
        """Gives an operator's signal to an instance at a time."""
        self._outside.append(_Happening(self._outer_place(at), lambda: self._advance(id, signal)))

    def retry(self, id: str, at: float) -> None:
        """Takes a faulted instance back to the task that failed, at a time."""

        def again() -> list[Instance]:
            self.live[id] = instance = self.read(id)
            self.machine.retry(instance, self.now)
            return [instance]

        self._outside.append(_Happening(self._outer_place(at), again))

    def publish(self, event: dict[str, Json], at: float) -> None:
        """Publishes an event at a time."""
        self._publish(event, self._outer_place(at))

    def listening(self) -> bool:
        """Whether any instance listens for an event."""
        return any(instance.listeners() for instance in self.live.values())

    def read(self, id: str) -> Instance:
        """An instance as it is stored."""
        stored = self.images[id].read()
        return restore(stored, self._definitions[stored.head["digest"]])

    # Time

    def step(self) -> bool:
        """Lets the next thing happen that is due by now; False when there is none."""
        happening = self._next()
        if happening is None:
            return False
        try:
            self._commit(happening, happening.act())
        except _Crash:
            self.crashes += 1
            self._restart()
        return True

    def pass_time(self) -> bool:
        """Goes on to the time of the next thing to happen; False when nothing is to come."""
        times = [each.place[0] for each in (*self._outside, *self._due.values())]
        times += [at for instance in self.live.values() if (at := instance.wake_at()) is not None]
        if not times:
            return False
        self.now = max(self.now, min(times))
        return True

    def run(self) -> None:
        """Goes on until nothing more is to come."""
        for _ in range(MOST_STEPS):
            if not self.step() and not self.pass_time():
                return
        raise Broken(f"it did not end within {MOST_STEPS} steps; does it go round in circles?")

    def _next(self) -> _Happening | None:
        for id_, instance in self.live.items():
            wake_at = instance.wake_at()
            if (instance.ready and not instance.suspended) or (wake_at is not None and wake_at <= self.now):
                return _Happening((self.now, 0, 0, 0), lambda id_=id_: self._advance(id_, Tick()))  # type: ignore[misc]
        first = min((*self._outside, *self._due.values()), default=None)
        return first if first is not None and first.place[0] <= self.now else None

    # What happens

    def _admit(self, instance: Instance) -> Instance:
        self._ranks.setdefault(instance.id, len(self._ranks) + 1)
        self.live[instance.id] = instance
        self.machine.advance(instance, Started(), self.now, self._budget)
        return instance

    def _advance(self, id_: str, signal: Signal) -> list[Instance]:
        instance = self.live.get(id_)
        if instance is None:
            return []
        self.machine.advance(instance, signal, self.now, self._budget)
        return [instance]

    def _publish(self, event: dict[str, Json], place: Place) -> None:
        def offer() -> list[Instance]:
            if self._offered.setdefault((event["source"], event["id"]), place) != place:
                return []
            ids = sorted(self._index.matches(event), key=self._ranks.__getitem__)
            return [instance for id_ in ids for instance in self._advance(id_, Arrived(event))]

        self._outside.append(_Happening(place, offer))

    # Commit, then act

    def _commit(self, happening: _Happening, moved: Sequence[Instance]) -> None:
        self.commits += 1
        if self._crash(False):
            raise _Crash
        if happening.effect is None and happening in self._outside:
            self._outside = [each for each in self._outside if each is not happening]
        for instance in moved:
            if changed(instance):
                self._write(instance)
            self._inspect(self, instance)
        if happening.effect is not None:
            self._due.pop(happening.effect, None)
            if happening.answers:
                self._end({happening.effect})
        if self._crash(True):
            raise _Crash
        concerned = {instance.id: instance for instance in moved}
        around = [instance.parent[0] for instance in moved if instance.parent is not None]
        if happening.effect is not None:
            around.append(happening.effect[0])
        concerned |= {id_: self.live[id_] for id_ in around if id_ in self.live}
        for instance in moved:
            if instance.ended:
                self.live.pop(instance.id, None)
                self._index.remove(instance.id)
        for instance in concerned.values():
            self._reconcile(instance)
        self._cancel_orphans()

    def _write(self, instance: Instance) -> None:
        self.trace.setdefault(instance.id, []).extend(instance.changes.history)
        checkpoint = take_checkpoint(instance, self.machine, self.now)
        image = self.images.setdefault(instance.id, Image())
        image.write(checkpoint)
        if checkpoint.subscriptions is not None:
            self._index.put(instance.id, checkpoint.subscriptions)
        for event in checkpoint.outbox:
            self.emitted.append(event)
            self._publish(event, self._place(instance.id, EMITTED, self.now))

    def _restart(self) -> None:
        """A new process: all it has are the images."""
        self.live, self._due = {}, {}
        self._index = SubscriptionIndex(self._compile)
        for id_ in sorted(self.images, key=self._ranks.__getitem__):
            if not self.images[id_].ended:
                self.live[id_] = self.read(id_)
                self._index.put(id_, self.images[id_].subscriptions)
        for instance in self.live.values():
            self._reconcile(instance)
        self._cancel_orphans()

    def _reconcile(self, instance: Instance) -> None:
        """Begins the effects that are missing, drops those that are gone."""
        wanted = {(instance.id, state.effect_key) for state in instance.effects_wanted()}
        for name in [name for name in self._due if name[0] == instance.id and name not in wanted]:
            del self._due[name]
        self._end({name for name in self._open if name[0] == instance.id and name not in wanted})
        if not wanted:
            return
        for effect in self.machine.pending(instance, self.now):
            name = (instance.id, effect.key)
            if name in self._due or (instance.suspended and (name not in self._begun or name in self._over)):
                continue  # of a suspended instance what had begun is begun again, but nothing else
            if isinstance(effect, Failed):
                self._due[name] = self._answered(name, "answer", 0.0, effect)
            else:
                self._begin(name, effect)

    def _end(self, names: set[EffectName]) -> None:
        self._open -= names
        self._over |= names

    def _begin(self, name: EffectName, effect: Effect) -> None:
        if name in self._over:
            raise Broken(f"the effect {name} was over and is begun again")
        if name not in self._begun:
            self._begun[name] = effect
            self._open.add(name)
            self.calls.append(effect)
        elif (known := self._begun[name].arguments) != effect.arguments:
            raise Broken(f"the effect {name} is repeated with {effect.arguments!r}, not {known!r}")
        if effect.kind == CHILD_KIND:
            self._begin_child(name, effect)
            return
        if name not in self._answers:
            self._answers[name] = self._answer(effect)
        answer = self._answers[name]
        signal: Signal = Completed(effect.key, Outcome(None))
        if not effect.detached:
            result = answer.result
            signal = Failed(effect.key, result) if isinstance(result, Fault) else Completed(effect.key, result)
        self._due[name] = self._answered(name, "answer", 0.0 if effect.detached else answer.after_s, signal)

    def _answered(self, name: EffectName, stage: str, after_s: float, signal: Signal) -> _Happening:
        return _Happening(
            self._effect_place(name, stage, after_s), lambda: self._advance(name[0], signal), name, answers=True
        )

    # Sub-workflows

    def _begin_child(self, name: EffectName, effect: Effect) -> None:
        id_ = child_id(*name)
        image = self.images.get(id_)
        if image is None:
            self._due[name] = self._start_child(name, effect, id_)
        elif effect.detached:
            self._due[name] = self._answered(name, "begun", 0.0, Completed(effect.key, Outcome(None)))
        elif image.ended:
            self._due[name] = self._answered(name, "ended", 0.0, child_signal(self.read(id_), effect.key))

    def _start_child(self, name: EffectName, effect: Effect, id_: str) -> _Happening:
        depth = self.live[name[0]].depth + 1
        definition = self._find(effect.arguments)
        fault = refusal(definition, effect.arguments)
        if isinstance(definition, str):
            fault = Fault.of("configuration", definition)
        elif depth > DEEPEST:
            fault = Fault.of("runtime", f"More than {DEEPEST} sub-workflows stand within each other.")
        if isinstance(definition, str) or fault is not None:
            assert fault is not None
            return self._answered(name, "refused", 0.0, Failed(effect.key, fault))

        def begin() -> list[Instance]:
            child = Instance(id_, definition, effect.arguments.get("input"))
            child.depth, child.parent = depth, None if effect.detached else name
            return [self._admit(child)]

        return _Happening(self._effect_place(name, "begin", 0.0), begin, name)

    def _find(self, arguments: Json) -> WorkflowDefinition | str:
        if "digest" in arguments:
            return self._definitions[arguments["digest"]]
        found = {
            each.version: each
            for each in self._definitions.values()
            if (each.namespace, each.name) == (arguments["namespace"], arguments["name"])
        }
        version = arguments.get("version") or "latest"
        if version == "latest" and found:
            version = max(found, key=version_order)
        return found.get(version) or f"There is no workflow {arguments['namespace']}:{arguments['name']}:{version}."

    def _cancel_orphans(self) -> None:
        """A child whose parent does not wait for it any more is cancelled."""
        for child in self.live.values():
            if child.parent is None:
                continue
            parent = self.live.get(child.parent[0])
            if parent is None or child.parent[1] not in {state.effect_key for state in parent.effects_wanted()}:
                name = ("", (child.id, 0, 0))
                place = self._effect_place(name, "cancel", 0.0, child.id)
                self._due.setdefault(name, _Happening(place, lambda id_=child.id: self._advance(id_, Cancel()), name))  # type: ignore[misc]

    # Places

    def _place(self, id_: str, kind: int, at: float) -> Place:
        self._numbers[id_, kind] += 1
        return at, self._ranks.get(id_, 0), kind, self._numbers[id_, kind]

    def _outer_place(self, at: float) -> Place:
        return self._place("", 0, at)

    def _effect_place(self, name: EffectName, stage: str, after_s: float, of: str | None = None) -> Place:
        """The same whenever it is asked for again, so that a repetition is answered when the first would have been."""
        if (name, stage) not in self._places:
            self._places[name, stage] = self._place(of or name[0], ANSWER, self.now + after_s)
        return self._places[name, stage]
