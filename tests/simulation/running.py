"""Runs a program in a simulated world, watches what must always hold, and tells what came of it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flowrt.compiler import compile_text
from flowrt.core.definition import WorkflowDefinition
from flowrt.core.instance import CANCELLED, COMPLETED, FAULTED, WAITING, Instance
from flowrt.core.machine import STEPS_A_TURN
from flowrt.runtime.forking import place
from flowrt.testing.happening import START_AT, Broken, crash_never
from flowrt.testing.image import Image
from flowrt.testing.play import languages
from flowrt.testing.world import World
from tests.simulation.generator import Program

Json = Any
KNOWN = languages()


@dataclass
class Result:
    """What came of a run, part by part."""

    parts: dict[str, Json]
    commits: int
    crashes: int

    def difference(self, other: Result) -> str | None:
        """The first thing that is not alike."""
        for name in dict.fromkeys((*self.parts, *other.parts)):
            mine, others = self.parts.get(name), other.parts.get(name)
            if mine == others:
                continue
            if isinstance(mine, list) and isinstance(others, list):
                for number, (one, two) in enumerate(zip(mine, others, strict=False)):
                    if one != two:
                        return f"{name}, number {number}:\n  {one}\n  {two}"
                return f"{name}: {len(mine)} or {len(others)}: {(mine + others)[min(len(mine), len(others))]}"
            return f"{name}:\n  {mine}\n  {others}"
        return None


class CrashSometimes:
    """Dies at random, before or after commits."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)

    def __call__(self, _written: bool) -> bool:
        return self.dice.random() < 0.3


def compiled(program: Program) -> list[WorkflowDefinition]:
    """The definitions of a program."""
    return [compile_text(text, KNOWN) for text in program.texts()]


def run(
    program: Program,
    definitions: list[WorkflowDefinition],
    crash: Callable[[bool], bool] = crash_never,
    budget: int = STEPS_A_TURN,
    group: int = 1,
    accept: bool = False,
) -> Result:
    """One run of a program; raises `Broken` when something does not hold."""
    jq = KNOWN.expressions["jq"]
    manner: dict[str, Any] = {"budget": budget, "group": group, "accept": accept}
    world = World(definitions, program.answer, jq, crash=crash, inspect=inspect, **manner)
    world.start(definitions[0], program.input, "main")
    for at, event in program.events:
        world.publish(event, START_AT + at)
    for at, signal in program.signals:
        world.deliver("main", signal, START_AT + at)
    world.run()
    for _ in range(program.retries):
        if world.read("main").status == FAULTED:
            world.retry("main", world.now + 1)
            world.run()
    _fork(world, program.seed)
    return Result(_parts(world), world.commits, world.crashes)


def _fork(world: World, seed: int) -> None:
    """Goes on once more from a task of the main workflow's own list that it has run, drawn by the seed."""
    main = world.read("main")
    places = {task.position for task in main.root_task.children}
    own = [record for record in world.trace.get("main", ()) if record.task.position in places]
    if not own:
        return
    position = random.Random(seed).choice(own).task.position
    at = place(main, world.images["main"].completed(), position)
    if at is not None and main.status == COMPLETED:
        latest = max(number for number, record in enumerate(own) if record.task.position == position)
        context = own[latest - 1].context
        if at.before[-1].context != context:
            raise Broken(f"a fork before {position} has the context {at.before[-1].context}, it was {context}")
    world.fork("main", "fork", position, world.now + 1)
    world.run()


def inspect(world: World, instance: Instance) -> None:
    """What must hold whenever an instance was written."""
    whole = Image.of(instance, world.machine, world.now)
    different = world.images[instance.id].difference(whole)
    if different is not None:
        raise Broken(f"what is stored of {instance.id} is not what it is: {different}")
    if instance.status in (COMPLETED, CANCELLED) and instance.live:
        raise Broken(f"{instance.id} is {instance.status}, but has live states: {list(instance.live)}")
    wake_at = instance.wake_at()
    if instance.status == WAITING and not instance.ready and wake_at is not None and wake_at <= world.now:
        raise Broken(f"{instance.id} waits for a time that is over")


def _parts(world: World) -> dict[str, Json]:
    parts: dict[str, Json] = {}
    for id_ in sorted(world.images):
        instance = world.read(id_)
        about = f"{id_} ({instance.definition.name})"
        parts[f"{about} status"] = instance.status
        parts[f"{about} output"] = instance.output
        parts[f"{about} error"] = None if instance.error is None else instance.error.to_json()
        parts[f"{about} context"] = instance.context
        parts[f"{about} tasks"] = tasks = [
            (each.task.key, each.iteration, each.attempt, each.ended_at, each.output, each.then, each.context)
            for each in world.trace.get(id_, ())
        ]
        if len({task[:3] for task in tasks}) != len(tasks):
            raise Broken(f"{about} has completed a task twice: {tasks}")
        parts[f"{about} history"] = [record for _, _, record in world.images[id_].history]
    parts["calls"] = [(effect.instance, effect.key, effect.arguments) for effect in world.calls]
    keys = [effect.idempotency_key for effect in world.calls]
    if len(set(keys)) != len(keys):
        raise Broken(f"two effects have one key: {sorted(keys)}")
    parts["events"] = world.emitted
    ids = [(event["source"], event["id"]) for event in world.emitted]
    if len(set(ids)) != len(ids):
        raise Broken(f"two events have one id: {ids}")
    parts["time"] = world.now - START_AT
    return parts
