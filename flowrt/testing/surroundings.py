"""Surroundings: what a simulated world does about the effects of its instances, sub-workflows among them.

What an effect is answered, and when, is settled when it is first begun. A crash takes away the answers on their way;
begun again, the effect is answered as and when it would have been.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flowrt.core.definition import WorkflowDefinition
from flowrt.core.effect import Effect, Outcome
from flowrt.core.fault import Fault
from flowrt.core.instance import Instance
from flowrt.core.signal import Cancel, Completed, Failed, Signal
from flowrt.runtime.children import CHILD_KIND, DEEPEST, child_id, child_signal, refusal
from flowrt.runtime.definitions import version_order
from flowrt.testing.happening import ANSWER, Answer, Broken, EffectName, Happening, Place

if TYPE_CHECKING:
    from flowrt.testing.world import World

Json = Any


class Surroundings:
    """The effects of a world, and what it answers."""

    def __init__(self, world: World, answer: Callable[[Effect], Answer]) -> None:
        self.calls: list[Effect] = []
        """Effects in the order in which they were first begun."""
        self.due: dict[EffectName, Happening] = {}
        """Answers on their way, for effects that this process has begun."""
        self.ranks: dict[str, int] = {}
        """Of the instances, in the order in which they came up."""
        self._world, self._answer = world, answer
        self._begun: dict[EffectName, Effect] = {}
        self._open: set[EffectName] = set()
        self._over: set[EffectName] = set()
        self._answers: dict[EffectName, Answer] = {}
        self._places: dict[tuple[EffectName, str], Place] = {}
        self._numbers: Counter[tuple[str, int]] = Counter()

    def place(self, id_: str, kind: int, at: float) -> Place:
        """A new place in time for something that happens to an instance."""
        self._numbers[id_, kind] += 1
        return at, self.ranks.get(id_, 0), kind, self._numbers[id_, kind]

    def committed(self, happening: Happening) -> None:
        """What an effect has led to is stored."""
        if happening.effect is not None and happening.answers:
            self._end({happening.effect})

    def reconcile(self, instance: Instance) -> None:
        """Begins the effects that are missing, drops those that are gone."""
        wanted = {(instance.id, state.effect_key) for state in instance.effects_wanted()}
        for name in [name for name in self.due if name[0] == instance.id and name not in wanted]:
            del self.due[name]
        self._end({name for name in self._open if name[0] == instance.id and name not in wanted})
        if not wanted:
            return
        for effect in self._world.machine.pending(instance, self._world.now):
            name = (instance.id, effect.key)
            if name in self.due or (instance.suspended and name not in self._open):
                continue  # of a suspended instance what had begun is begun again, but nothing else
            if isinstance(effect, Failed):
                self.due[name] = self._answered(name, "answer", 0.0, effect)
            else:
                self._begin(name, effect)

    def cancel_orphans(self) -> None:
        """A child whose parent does not wait for it any more is cancelled."""
        world = self._world
        for child in world.live.values():
            if child.parent is None:
                continue
            parent = world.live.get(child.parent[0])
            if parent is None or child.parent[1] not in {state.effect_key for state in parent.effects_wanted()}:
                name = ("", (child.id, 0, 0))
                place = self._settled(name, "cancel", 0.0, child.id)
                self.due.setdefault(name, Happening(place, lambda id_=child.id: world.advance(id_, Cancel()), name))  # type: ignore[misc]

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
        self.due[name] = self._answered(name, "answer", 0.0 if effect.detached else answer.after_s, signal)

    def _end(self, names: set[EffectName]) -> None:
        self._open -= names
        self._over |= names

    def _answered(self, name: EffectName, stage: str, after_s: float, signal: Signal) -> Happening:
        place = self._settled(name, stage, after_s)
        return Happening(place, lambda: self._world.advance(name[0], signal), name, answers=True)

    def _settled(self, name: EffectName, stage: str, after_s: float, of: str | None = None) -> Place:
        if (name, stage) not in self._places:
            self._places[name, stage] = self.place(of or name[0], ANSWER, self._world.now + after_s)
        return self._places[name, stage]

    # Sub-workflows

    def _begin_child(self, name: EffectName, effect: Effect) -> None:
        id_ = child_id(*name)
        image = self._world.images.get(id_)
        if image is None:
            self.due[name] = self._start_child(name, effect, id_)
        elif effect.detached:
            self.due[name] = self._answered(name, "begun", 0.0, Completed(effect.key, Outcome(None)))
        elif image.ended:
            self.due[name] = self._answered(name, "ended", 0.0, child_signal(self._world.read(id_), effect.key))

    def _start_child(self, name: EffectName, effect: Effect, id_: str) -> Happening:
        world = self._world
        depth = world.live[name[0]].depth + 1
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
            return [world.admit(child)]

        return Happening(self._settled(name, "begin", 0.0), begin, name)

    def _find(self, arguments: Json) -> WorkflowDefinition | str:
        definitions = self._world.definitions
        if "digest" in arguments:
            return definitions[arguments["digest"]]
        wanted = (arguments["namespace"], arguments["name"])
        found = {each.version: each for each in definitions.values() if (each.namespace, each.name) == wanted}
        version = arguments.get("version") or "latest"
        if version == "latest" and found:
            version = max(found, key=version_order)
        return found.get(version) or f"There is no workflow {':'.join(wanted)}:{version}."
