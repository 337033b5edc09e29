"""Random workflows: every kind of task within every other, with inputs, events, commands and how the world answers.

A program is made from its seed alone. It always comes to an end: loops are short, jumps back are counted in the
context, retries are limited, and what is done for each event emits only types that come after those it consumes. Data
and context are tails of what was before, so that a difference anywhere shows later, and nothing grows.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import Any

from flowrt.core.effect import Effect, Outcome
from flowrt.core.fault import Fault
from flowrt.core.signal import Cancel, Resume, Signal, Suspend
from flowrt.testing.happening import Answer
from tests.simulation.leaves import TOLD, TYPES
from tests.simulation.writer import Writer

Json = Any
MOST_TASKS = 26


@dataclass
class Program:
    """A workflow and everything that will happen around it."""

    seed: int
    definitions: list[Json]
    """The first is run; the others are its sub-workflows."""
    input: Json
    events: list[tuple[float, dict[str, Json]]] = field(default_factory=list)
    signals: list[tuple[float, Signal]] = field(default_factory=list)
    retries: int = 0
    """How often an operator retries it once it is faulted."""

    def texts(self) -> list[str]:
        return [json.dumps(definition) for definition in self.definitions]

    @property
    def sequential(self) -> bool:
        """Whether nothing is to be done side by side: otherwise what gets how far depends on the length of turns."""
        text = "".join(self.texts())
        detached = '"workflow"' in text and '"await": false' in text
        return not ('"fork"' in text or detached or self.signals)

    def answer(self, effect: Effect) -> Answer:
        """Depends on what the effect is, not on when it is asked for."""
        dice = random.Random(f"{self.seed} {effect.instance} {effect.key}")
        after_s = dice.choice((0.0, 0.0, 1.0, 2.0, dice.random() * 10))
        if effect.kind == "asyncapi":
            message = {"payload": {"k": dice.randrange(2)}, "delivery": str(effect.key)}
            return Answer(Outcome(None if effect.arguments["subscription"].get("ends") else message), after_s)
        if dice.random() < (0.4 if "/try/" in effect.key[0] else 0.03):
            return Answer(Fault.of(dice.choice(("communication", "runtime")), "as it happens", status=503), after_s)
        return Answer(Outcome({"n": dice.randrange(5), "by": effect.task}), after_s)


def program(seed: int) -> Program:
    """The program of a seed."""
    dice = random.Random(seed)
    children = [Writer(dice, f"child-{n}", []) for n in range(dice.choice((0, 1, 2)))]
    for child in children[:1]:
        child.emits = (TOLD,)
    definitions = [child.definition(8) for child in children]
    main = Writer(dice, "main", [child.name for child in children]).definition(MOST_TASKS)
    made = Program(seed, [main, *definitions], {"n": dice.randrange(9), "list": [1, 2, 3][: dice.randrange(4)]})
    for number in range(dice.randrange(14)):
        event = {"specversion": "1.0", "id": f"e{dice.randrange(7)}", "source": "/outside", "type": dice.choice(TYPES)}
        made.events.append((_moment(dice), {**event, "data": {"k": dice.randrange(2), "number": number}}))
    if dice.random() < 0.3:
        for _ in range(dice.randrange(1, 4)):
            made.signals += [(_moment(dice), Suspend()), (_moment(dice), Resume())]
        made.signals.append((30.0, Resume()))
    made.retries = dice.choice((0, 0, 1, 2))
    if dice.random() < 0.08:
        made.signals.append((_moment(dice), Cancel()))
    return made


def _moment(dice: random.Random) -> float:
    return dice.choice((0.0, 1.0, 2.0, 5.0, dice.random() * 25))
