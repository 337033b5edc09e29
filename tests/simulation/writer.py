"""Writes random definitions: every kind of task within every other."""

from __future__ import annotations

from tests.simulation.leaves import TAIL, TYPES, Json, Leaves

LOG = '($context // {}) + {log: ((($context.log // "") + "%s,") | .[-24:])}'
COUNT = "($context // {}) + {%s: (($context.%s // 0) + 1)}"
DOCUMENT = {"dsl": "1.0.3", "namespace": "sim", "version": "1.0.0"}


class Writer(Leaves):
    """Writes one definition."""

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
        last = self.dice.randrange(len(TYPES))
        to = self._strategy(TYPES[: last + 1])
        if self._chance(0.8):
            around, self.emits = self.emits, tuple(each for each in self.emits if each not in TYPES[: last + 1])
            foreach["do"] = self.tasks(depth + 1, (*scope, f"${item}.k?"))
            self.emits = around
        if self._chance(0.5):
            foreach["output"] = {"as": TAIL}
        if self._chance(0.5):
            foreach["export"] = {"as": LOG % item}
        each = {"listen": {"to": to}, "foreach": foreach}
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
