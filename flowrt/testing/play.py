"""Plays a scenario in a simulated world, and tells what is not as expected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flowrt.compiler import InvalidDefinition, Languages, Located, compile_text
from flowrt.core.definition import WorkflowDefinition
from flowrt.core.effect import Effect, Outcome
from flowrt.core.environment import Environment
from flowrt.core.expression import Expression
from flowrt.core.fault import STANDARD, Fault, canonical_type
from flowrt.core.instance import Instance
from flowrt.core.signal import Cancel, Resume, Signal, Suspend
from flowrt.expressions import LANGUAGES
from flowrt.runtime.children import CHILD_KIND
from flowrt.testing.compare import differing, missing
from flowrt.testing.happening import START_AT, Answer, Broken, CrashEverywhere, crash_never
from flowrt.testing.scenario_file import Mock, Scenario, to_text
from flowrt.testing.world import MOST_STEPS, World

Json = Any
ID = "scenario"
SIGNALS: dict[str, Callable[[], Signal]] = {"suspend": Suspend, "resume": Resume, "cancel": Cancel}
BUILT_IN = ("http", "openapi", "grpc", "asyncapi", "mcp", "a2a", "container", "script", "shell")
"""Calls that are no functions registered under a name of their own."""


def languages(functions: Callable[[str], bool] = lambda name: False) -> Languages:
    """Every expression language, and the functions that a test knows."""
    from importlib import import_module

    return Languages({name: import_module(module).compile for name, module in LANGUAGES.items()}, functions)


def play(scenario: Scenario, crash: Callable[[bool], bool] = crash_never) -> list[str]:
    """One run; what is not as expected."""
    return _Play(scenario, crash).differences()


def play_with_crashes(scenario: Scenario) -> list[str]:
    """A run without crashes, one for every place where the process can die, and one that dies at all of them."""
    calm = _Play(scenario)
    found = calm.differences()
    if found or calm.world is None:
        return found
    for number in range(2 * calm.world.commits):
        found = play(scenario, _crash_once(number))
        if found:
            when = "after" if number % 2 else "before"
            return [f"crashed {when} commit {number // 2 + 1} was written: {line}" for line in found]
    return [f"crashed at every commit: {line}" for line in play(scenario, CrashEverywhere())]


def _crash_once(number: int) -> Callable[[bool], bool]:
    asked = iter(range(10**9))
    return lambda written: next(asked) == number


class _Play:
    """One run of a scenario."""

    def __init__(self, scenario: Scenario, crash: Callable[[bool], bool] = crash_never) -> None:
        self.scenario, self.crash = scenario, crash
        self.world: World | None = None
        self.unanswered: list[str] = []
        self.used = [0] * len(scenario.mocks)
        self.events = [event for at, event in scenario.events if at is None]

    def differences(self) -> list[str]:
        """Runs it, and compares."""
        named = {mock.call for mock in self.scenario.mocks} - set(BUILT_IN)
        known = languages(named.__contains__)
        try:
            definition = compile_text(self.scenario.source, known, self.scenario.definition_file)
        except InvalidDefinition as error:
            return self._refused(error.problems)
        if "invalid" in self.scenario.expect:
            return ["the definition was expected to be refused, but it compiles"]
        try:
            others = [compile_text(source, known) for source in self.scenario.others]
            world = self._run(definition, others, known.expressions["jq"])
        except InvalidDefinition as error:
            return [f"under 'with', {problem}" for problem in error.problems]
        except Broken as error:
            return [str(error)]
        return self.unanswered or self._compare(world)

    def _run(
        self, definition: WorkflowDefinition, others: list[WorkflowDefinition], expression: Callable[[str], Expression]
    ) -> World:
        scenario = self.scenario
        environment = Environment(secret=scenario.secrets.get)
        world = World([definition, *others], self._answer, expression, environment, crash=self.crash)
        self.world = world
        world.start(definition, scenario.input, ID)
        for at, event in scenario.events:
            if at is not None:
                world.publish(event, START_AT + at)
        for at, verb in scenario.signals:
            world.deliver(ID, SIGNALS[verb](), START_AT + at)
        for _ in range(MOST_STEPS):
            if not world.step() and (self._ended(world) or not (self._publish(world) or world.pass_time())):
                return world
        raise Broken(f"it did not end within {MOST_STEPS} steps; does it go round in circles?")

    @staticmethod
    def _ended(world: World) -> bool:
        return ID in world.images and ID not in world.live

    def _publish(self, world: World) -> bool:
        """The next event without a time, once somebody listens."""
        if not self.events or not world.listening():
            return False
        world.publish(self.events.pop(0), world.now)
        return True

    # Mocks

    def _answer(self, effect: Effect) -> Answer:
        for number, mock in enumerate(self.scenario.mocks):
            if (mock.times is None or self.used[number] < mock.times) and matches(mock, effect):
                self.used[number] += 1
                return Answer(_result(mock), mock.after_s)
        known = "; ".join(mock.to_text() for mock in self.scenario.mocks) or "none"
        shown = f"{call_name(effect)} {to_text(call_arguments(effect))}"
        self.unanswered.append(f"no mock answers the call at {effect.position}: {shown} (mocks: {known})")
        return Answer(Fault.of("configuration", "No mock answers this call."))

    # Expectations

    def _refused(self, problems: list[Located]) -> list[str]:
        if "invalid" not in self.scenario.expect:
            return [f"the definition is refused: {self._located(problem)}" for problem in problems]
        missed = [each for each in self.scenario.expect["invalid"] if not any(_is(each, found) for found in problems)]
        found = "; ".join(f"{each.problem.position}: {each.problem.message}" for each in problems)
        return [f"no problem {to_text(each)} was found, but: {found}" for each in missed]

    def _located(self, located: Located) -> str:
        document, problem = self.scenario.document, located.problem
        if document is None:
            return str(located)
        pointer = problem.position.rstrip("/")
        return str(Located(problem, str(self.scenario.path), *(document.mark(f"/definition{pointer}") or (None, None))))

    def _compare(self, world: World) -> list[str]:
        expect, instance = self.scenario.expect, world.read(ID)
        error = None if instance.error is None else instance.error.to_json()
        found: list[str] = []
        if "status" in expect and expect["status"] != instance.status:
            why = f" ({to_text(error)})" if error is not None else ""
            found.append(f"status: expected {expect['status']}, got {instance.status}{why}")
        for name, value in (("output", instance.output), ("context", instance.context)):
            if name in expect and (different := differing(expect[name], value)) is not None:
                found.append(f"{name}{different} (the whole: {to_text(value)})")
        if "error" in expect and (different := missing(_canonical(expect["error"]), error)) is not None:
            found.append(f"error{different} (the whole: {to_text(error)})")
        if "calls" in expect:
            found += _in_order("call", expect["calls"], _calls(world), _different_call, call_text)
        if "events" in expect:
            found += _in_order("event", expect["events"], world.emitted, missing, to_text)
        if "tasks" in expect:
            done = [record.task.position for record in world.trace.get(ID, ())]
            found += _in_order("task", expect["tasks"], done, differing, str)
        return found + self._compare_duration(world, instance)

    def _compare_duration(self, world: World, instance: Instance) -> list[str]:
        expected = self.scenario.expect.get("duration")
        if expected is None:
            return []
        took = (world.now if instance.ended_at is None else instance.ended_at) - START_AT
        return [] if abs(took - expected) < 1e-3 else [f"duration: expected {expected:g} s, took {took:g} s"]


def _calls(world: World) -> list[Effect]:
    return [effect for effect in world.calls if effect.kind != CHILD_KIND]


def call_name(effect: Effect) -> str:
    """What a scenario calls an effect."""
    return effect.arguments["function"] if effect.kind == "function" else effect.kind


def call_arguments(effect: Effect) -> Json:
    """What a scenario matches of an effect."""
    return effect.arguments["with"] if effect.kind == "function" else effect.arguments


def call_text(effect: Effect) -> str:
    """An effect for a message."""
    place = f"at {effect.position}, iteration {effect.iteration}, attempt {effect.attempt}"
    return f"{call_name(effect)} {to_text(call_arguments(effect))} {place}"


def matches(mock: Mock, effect: Effect) -> bool:
    """Whether a mock answers an effect."""
    return mock.call == call_name(effect) and (
        mock.match is None or missing(mock.match, call_arguments(effect)) is None
    )


def _result(mock: Mock) -> Outcome | Fault:
    if mock.error is None:
        return Outcome(mock.output)
    type_ = canonical_type(str(mock.error["type"]))
    status, title = STANDARD.get(type_.rpartition("/")[2], (500, None)) if type_ != mock.error["type"] else (500, None)
    return Fault(type_, mock.error.get("status", status), mock.error.get("title", title), mock.error.get("detail"))


def _canonical(error: Json) -> Json:
    if isinstance(error, dict) and isinstance(error.get("type"), str):
        return {**error, "type": canonical_type(error["type"])}
    return error


def _is(expected: dict[str, Json], found: Located) -> bool:
    problem = found.problem
    text = f"{problem.message} {problem.remedy}"
    return expected.get("position", problem.position) == problem.position and expected.get("contains", "") in text


def _different_call(expected: dict[str, Json], effect: Effect) -> str | None:
    got = {"call": call_name(effect), "position": effect.position, "iteration": effect.iteration,
           "attempt": effect.attempt, "match": call_arguments(effect)}  # fmt: skip
    return missing(expected, got)


def _in_order(
    what: str,
    expected: list[Json],
    found: list[Any],
    different: Callable[[Any, Any], str | None],
    text: Callable[[Any], str],
) -> list[str]:
    """How a list differs from what is expected, one line for each of its items."""
    lines = []
    for number, (wanted, got) in enumerate(zip(expected, found, strict=False), start=1):
        if (difference := different(wanted, got)) is not None:
            lines.append(f"{what} {number}{difference} (the whole: {text(got)})")
    lines += [
        f"{what} {len(found) + 1 + at} is missing: {to_text(each)}" for at, each in enumerate(expected[len(found) :])
    ]
    lines += [
        f"{what} {len(expected) + 1 + at} was not expected: {text(each)}"
        for at, each in enumerate(found[len(expected) :])
    ]
    return lines
