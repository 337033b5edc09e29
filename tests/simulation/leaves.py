"""The tasks of random workflows that hold no others, and the dice that choose."""

from __future__ import annotations

import random
from typing import Any

Json = Any
TAIL = "tostring | .[-24:]"
"""The end of the text of the data: small, but different where the data was."""
ERRORS = ("communication", "timeout", "runtime", "https://example.test/errors/odd")
TYPES = ("a", "b", "c", "stop")
TOLD = "told"
"""A type of events that is never consumed one by one."""


class Leaves:
    """Writes single tasks."""

    def __init__(self, dice: random.Random, name: str, children: list[str]) -> None:
        self.dice, self.name, self.children = dice, name, children
        self.left = 0
        self.names = 0
        self.functions: dict[str, Json] = {}
        self.calling = False
        self.guarded = 0
        """How many tries are around."""
        self.emits: tuple[str, ...] = (*TYPES, TOLD)
        """The types of what it may emit: of what is done for each event, only later ones, lest it feed itself."""

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
        return {
            "emit": {"event": {"with": {"source": f"/{self.name}", "type": self.dice.choice(self.emits), "data": data}}}
        }

    def _child(self) -> Json:
        # The first one tells only, so it can be run for each event as well.
        able = self.children if len(self.emits) > len(TYPES) else self.children[:1]
        target: Json = {"namespace": "sim", "name": self.dice.choice(able), "version": "1.0.0"}
        if self._chance(0.5):
            target["input"] = {"n": "${ " + TAIL + " }", "list": [1, 2]}
        return {"run": {"workflow": target, "await": self._chance(0.8)}}

    def _detached(self) -> Json:
        return {"run": {"shell": {"command": "echo"}, "await": self._chance(0.5)}}

    def _listen(self) -> Json:
        listen: Json = {"listen": {"to": self._strategy(), "read": self.dice.choice(("data", "envelope", "raw"))}}
        return {**listen, "timeout": {"after": self._duration(20)}} if self.guarded else listen

    def _strategy(self, types: tuple[str, ...] = (*TYPES, TOLD), nested: bool = False) -> Json:
        mode = self.dice.choice(("one", "any", "all"))
        filters = [self._filter(types) for _ in range(self.dice.randrange(1, 3))]
        strategy: Json = {mode: filters[0] if mode == "one" else filters}
        if mode == "any" and not nested and self._chance(0.5):
            strategy["until"] = (
                self._strategy(types, nested=True)
                if self._chance(0.5)
                else self.dice.choice(("length >= 2", "${ false }"))
            )
        return strategy

    def _filter(self, types: tuple[str, ...]) -> Json:
        filter_: Json = {"with": {"type": self.dice.choice(types)}}
        if self._chance(0.2):
            filter_["with"]["data"] = "${ .k == 1 }"
        if self._chance(0.3):
            filter_["correlate"] = {"key": {"from": ".data.k"}}
            if self._chance(0.5):
                filter_["correlate"]["key"]["expect"] = self.dice.choice(
                    ("1", "${ .n? }", "${ $context.log | length }")
                )
        return filter_

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
