"""Random workflows: every kind of task within every other, with inputs, events, commands and how the world answers.

A program is made from its seed alone. It always comes to an end: loops are short, jumps back are counted in the
context, retries are limited. Data and context are tails of what was before, so that a difference anywhere shows later,
and nothing grows.
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

Json = Any
MOST_TASKS = 26
TAIL = "tostring | .[-24:]"
LOG = '($context // {}) + {log: ((($context.log // "") + "%s,") | .[-24:])}'
COUNT = "($context // {}) + {%s: (($context.%s // 0) + 1)}"
ERRORS = ("communication", "timeout", "runtime", "https://example.test/errors/odd")
TYPES = ("a", "b", "c", "stop")
DOCUMENT = {"dsl": "1.0.3", "namespace": "sim", "version": "1.0.0"}


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
        return '"fork"' not in "".join(self.texts()) and not self.signals

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
    children = [_Writer(dice, f"child-{n}", []).definition(8) for n in range(dice.choice((0, 1, 2)))]
    names = [child["document"]["name"] for child in children]
    main = _Writer(dice, "main", names).definition(MOST_TASKS)
    made = Program(seed, [main, *children], {"n": dice.randrange(9), "list": [1, 2, 3][: dice.randrange(4)]})
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


class _Writer:
    """Writes one definition."""

    def __init__(self, dice: random.Random, name: str, children: list[str]) -> None:
        self.dice, self.name, self.children = dice, name, children
        self.left = 0
        self.names = 0
        self.functions: dict[str, Json] = {}
        self.calling = False
        self.guarded = 0
        """How many tries are around."""

    def definition(self, tasks: int) -> Json:
        self.left = self.dice.randrange(3, tasks)
        use = self._use()
        written: Json = {"document": {**DOCUMENT, "name": self.name}, "use": use, "do": self.tasks(0)}
        if self._chance(0.05):
            written["timeout"] = {"after": self._duration(20)}
        if self._chance(0.1):
            written["input"] = {"from": "{n: .n?, list: .list?}"}
        if self._chance(0.2):
            written["output"] = {"as": TAIL}
        return written

    def _use(self) -> Json:
        use: Json = {}
        if self._chance(0.2):
            before = [{self._name(): self._set()}, {self._name(): self._http()}]
            if self._chance(0.2):
                before[0][next(iter(before[0]))]["then"] = "exit"
            extension = {
                "extend": self.dice.choice(("set", "call", "for", "all")),
                "before": before[: self._pick(1, 2)],
            }
            if self._chance(0.5):
                extension["after"] = [{self._name(): self._http()}]
            if self._chance(0.5):
                extension["when"] = f"({TAIL} | length) % 2 == 0"
            use["extensions"] = [{"extra": extension}]
        if self._chance(0.3):
            self.calling = True
            use["functions"] = {
                "shared": {"do": [{"first": self._http()}, {"second": self._set()}]},
                "nested": {"call": "shared", "with": {"x": "${ " + TAIL + " }"}},
                "direct": self._http(),
            }
            self.functions = use["functions"]
        return use

    # Lists

    def tasks(self, depth: int, scope: tuple[str, ...] = ()) -> Json:
        listed: list[tuple[str, Json]] = []
        for _ in range(self.dice.choice((1, 2, 2, 3) if depth else (2, 3, 4, 5))):
            self.left -= 1
            listed.append((self._name(), self.task(depth, scope)))
            if self._chance(0.08):
                listed.append((self._name(), self._back(self.dice.choice(listed)[0])))
        for at, (_, task) in enumerate(listed):
            if "then" not in task and self._chance(0.06):
                onward = [name for name, _ in listed[at + 1 :]]
                task["then"] = self.dice.choice(["continue", "exit", "end", *onward])
        return [{name: task} for name, task in listed]

    def _back(self, to: str) -> Json:
        counter = f"c{self.names}"
        again = {"when": f"($context.{counter} // 0) < {self.dice.randrange(1, 4)}", "then": to}
        return {
            "switch": [{"again": again}, {"go": {"then": "continue"}}],
            "export": {"as": COUNT % (counter, counter)},
        }

    def task(self, depth: int, scope: tuple[str, ...]) -> Json:
        simple = [self._set, self._wait, self._http, self._http, self._emit, self._emit, self._listen, self._detached]
        if self.guarded or self._chance(0.1):
            simple += [self._raise]
        if self.children:
            simple += [self._child, self._child]
        if self.calling:
            simple += [self._function]
        nested = [
            self._subscribe,
            self._do,
            self._for,
            self._fork,
            self._fork,
            self._try,
            self._try,
            self._listen_each,
            self._switch,
        ]
        if depth < 4 and self.left > 0 and self._chance(0.55):
            task = self.dice.choice(nested)(depth, scope)
        else:
            task = self.dice.choice(simple)()
        return self._around(task, scope)

    def _around(self, task: Json, scope: tuple[str, ...]) -> Json:
        if self._chance(0.1):
            task["if"] = f"({TAIL} | length) % 3 != 0"
        if self._chance(0.1):
            task["input"] = {"from": "[., " + ", ".join(scope or ("null",)) + "] | " + TAIL}
        if self._chance(0.15):
            task["output"] = {"as": TAIL}
        if "export" not in task and self._chance(0.3):
            task["export"] = {"as": LOG % f"t{self.names}"}
        if "export" in task and self._chance(0.06 if self.guarded else 0.005):
            task["export"]["as"] = ".no.such | error"
        if self._chance(0.2 if self.guarded else 0.03):
            task["timeout"] = {"after": self._duration(6)}
        return task

    # Simple tasks

    def _set(self) -> Json:
        return {"set": self.dice.choice(("${ {v: (" + TAIL + ")} }", "${ [., $task.name] | " + TAIL + " }"))}

    def _wait(self) -> Json:
        return {"wait": self._duration(6) if self._chance(0.9) else {"seconds": 0}}

    def _http(self) -> Json:
        body = "${ [., $context.log] | " + TAIL + " }" if self._chance(0.2) else "${ " + TAIL + " }"
        return {"call": "http", "with": {"method": "post", "endpoint": "http://example.test/", "body": body}}

    def _function(self) -> Json:
        called: Json = {"call": self.dice.choice(tuple(self.functions))}
        if self._chance(0.5):
            called["with"] = {"x": "${ " + TAIL + " }"}
        return called

    def _raise(self) -> Json:
        return {"raise": {"error": {"type": self.dice.choice(ERRORS), "status": self._pick(400, 500, 503)}}}

    def _emit(self) -> Json:
        data = {"k": self._pick(0, 1), "from": "${ " + TAIL + " }"}
        return {"emit": {"event": {"with": {"source": f"/{self.name}", "type": self.dice.choice(TYPES), "data": data}}}}

    def _child(self) -> Json:
        target = {"namespace": "sim", "name": self.dice.choice(self.children), "version": "1.0.0"}
        if self._chance(0.5):
            target["input"] = {"n": "${ " + TAIL + " }", "list": [1, 2]}
        return {"run": {"workflow": target, "await": self._chance(0.8)}}

    def _detached(self) -> Json:
        return {"run": {"shell": {"command": "echo"}, "await": self._chance(0.5)}}

    def _listen(self) -> Json:
        listen: Json = {"listen": {"to": self._strategy(), "read": self.dice.choice(("data", "envelope", "raw"))}}
        return {**listen, "timeout": {"after": self._duration(20)}} if self.guarded else listen

    def _strategy(self, nested: bool = False) -> Json:
        mode = self.dice.choice(("one", "any", "all"))
        filters = [self._filter() for _ in range(self.dice.randrange(1, 3))]
        strategy: Json = {mode: filters[0] if mode == "one" else filters}
        if mode == "any" and not nested and self._chance(0.5):
            strategy["until"] = self._strategy(nested=True) if self._chance(0.5) else "length >= 2"
        return strategy

    def _filter(self) -> Json:
        filter_: Json = {"with": {"type": self.dice.choice(TYPES)}}
        if self._chance(0.2):
            filter_["with"]["data"] = "${ .k == 1 }"
        if self._chance(0.3):
            filter_["correlate"] = {"key": {"from": ".data.k"}}
            if self._chance(0.5):
                filter_["correlate"]["key"]["expect"] = self.dice.choice(
                    ("1", "${ .n? }", "${ $context.log | length }")
                )
        return filter_

    # Tasks with others inside

    def _do(self, depth: int, scope: tuple[str, ...]) -> Json:
        return {"do": self.tasks(depth + 1, scope)}

    def _switch(self, depth: int, scope: tuple[str, ...]) -> Json:
        case = {"when": f"({TAIL} | length) % 2 == 0", "then": self.dice.choice(("continue", "exit"))}
        return {"do": [{self._name(): {"switch": [{"even": case}]}}, *self.tasks(depth + 1, scope)]}

    def _for(self, depth: int, scope: tuple[str, ...]) -> Json:
        item, at = f"i{self.names}", f"at{self.names}"
        inside = (*scope, f"${item}", f"${at}")
        loop: Json = {"for": {"each": item, "at": at, "in": self.dice.choice(("[1, 2, 3]", "[4, null]", ".list?"))}}
        if self._chance(0.3):
            loop["while"] = f"${at} < 2"
        return {**loop, "do": self.tasks(depth + 1, inside)}

    def _fork(self, depth: int, scope: tuple[str, ...]) -> Json:
        branches = []
        for _ in range(self.dice.randrange(1, 4)):
            self.left -= 1
            branches.append({self._name(): self.task(depth + 1, scope)})
        return {"fork": {"branches": branches, "compete": self._chance(0.4)}}

    def _try(self, depth: int, scope: tuple[str, ...]) -> Json:
        name = f"error{self.names}"
        catch: Json = {"as": name} if self._chance(0.8) else {}
        if self._chance(0.2):
            catch["errors"] = {"with": {"status": self._pick(408, 503)}}
        if self._chance(0.2):
            catch[self.dice.choice(("when", "exceptWhen"))] = (
                f"${name}.status == 503" if catch.get("as") else ".status < 500"
            )
        if self._chance(0.6):
            catch["retry"] = self._retry()
        if self._chance(0.6):
            inside = (*scope, f"${name}.status") if catch.get("as") else scope
            catch["do"] = self.tasks(depth + 1, inside)
        self.guarded += 1
        guarded = self.tasks(depth + 1, scope)
        self.guarded -= 1
        return {"try": guarded, "catch": catch}

    def _retry(self) -> Json:
        limit: Json = {"attempt": {"count": self.dice.randrange(4)}}
        if self._chance(0.2):
            limit["attempt"]["duration"] = self._duration(8)
        if self._chance(0.2):
            limit["duration"] = self._duration(20)
        if self._chance(0.2):
            limit = {"duration": self._duration(25)}
        retry: Json = {"limit": limit}
        if self._chance(0.7) or "attempt" not in limit:
            retry["delay"] = self._duration(4)
            retry["backoff"] = {self.dice.choice(("constant", "linear", "exponential")): {}}
        if self._chance(0.3):
            retry["jitter"] = {"from": {"milliseconds": 0}, "to": {"seconds": 2}}
        return retry

    def _listen_each(self, depth: int, scope: tuple[str, ...]) -> Json:
        item = f"event{self.names}"
        foreach: Json = {"item": item, "at": f"number{self.names}"}
        if self._chance(0.8):
            foreach["do"] = self.tasks(depth + 1, (*scope, f"${item}.k?"))
        if self._chance(0.5):
            foreach["output"] = {"as": TAIL}
        if self._chance(0.5):
            foreach["export"] = {"as": LOG % item}
        each = {"listen": {"to": self._strategy()}, "foreach": foreach}
        return {**each, "timeout": {"after": self._duration(20)}} if self.guarded else each

    def _subscribe(self, depth: int, scope: tuple[str, ...]) -> Json:
        consume: Json = self.dice.choice(({"amount": 2}, {"until": "length >= 2"}, {"while": "length < 2"}))
        if self._chance(0.5):
            consume = {**consume, "for": self._duration(15)}
        subscription: Json = {"consume": consume, "filter": ".payload.k == 1"}
        if self._chance(0.6):
            item = f"message{self.names}"
            inside = (*scope, f"${item}.payload.k?")
            subscription["foreach"] = {"item": item, "at": f"number{self.names}", "do": self.tasks(depth + 1, inside)}
        channel = "${ $context.log | tostring }" if self._chance(0.3) else "/c"
        document = {"endpoint": "http://example.test/"}
        return {"call": "asyncapi", "with": {"document": document, "channel": channel, "subscription": subscription}}

    # Dice

    def _name(self) -> str:
        self.names += 1
        return f"t{self.names}"

    def _chance(self, share: float) -> bool:
        return self.dice.random() < share

    def _pick(self, *of: int) -> int:
        return self.dice.choice(of)

    def _duration(self, most_s: int) -> Json:
        if self._chance(0.6):
            return {"seconds": self.dice.randrange(1, most_s)}
        return {"milliseconds": self.dice.randrange(1, most_s * 1000)}
