"""A batch as the keys and arguments of the commit script.

All that a commit does to one instance's hash is in commands of bounded length (Lua takes some 8000 values at once); the
first of them writes, so that a server that refuses writes refuses before anything is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any

from flowrt.core.instance import ENDED
from flowrt.stores.entries import entry_to, subscriptions_to
from flowrt.stores.protocol import Batch, Checkpoint
from flowrt.stores.redis import names
from flowrt.stores.redis.names import Names
from flowrt.stores.redis.scripts import FIXED_KEYS

Json = Any
Argument = str | bytes | int | float
_AT_ONCE = 1000
_SEEN, _OUTBOX, _ORDER = 8, 9, 10


class Writing:
    """The keys and arguments of one batch."""

    def __init__(self, application: Names, encode: Callable[[Json], bytes], mask: Callable[[bytes], bytes]) -> None:
        """`mask` makes a value what the server's Lua can take."""
        self.keys = application.fixed()
        self.arguments: list[Argument] = []
        self._names = application
        self._mask = mask
        self._encode: Callable[[Json], bytes] = lambda value: mask(encode(value))

    def add(self, batch: Batch, token: int) -> None:
        """Lays out the whole batch."""
        self.arguments += [str(token), len(batch.checkpoints)]
        for checkpoint in batch.checkpoints:
            self.arguments += [checkpoint.revision - 1, checkpoint.revision]
            self.keys += [self._names.instance(checkpoint.entry.id), self._names.history(checkpoint.entry.id)]
        for place, checkpoint in enumerate(batch.checkpoints):
            self._instance(checkpoint, token, FIXED_KEYS + 1 + 2 * place)
        for source, id_, until in batch.seen:
            self._command(_SEEN, "ZADD", until, names.event_member(source, id_))
        for checkpoint in batch.checkpoints:
            for event in checkpoint.outbox:
                self._command(_OUTBOX, "EVENT", names.event_member(event["source"], event["id"]), self._encode(event))
        sent = [names.event_member(source, id_) for source, id_ in batch.sent]
        self._commands(_OUTBOX, "HDEL", sent)
        self._commands(_ORDER, "ZREM", sent)

    def _instance(self, checkpoint: Checkpoint, token: int, key: int) -> None:
        entry, ended = checkpoint.entry, checkpoint.entry.status in ENDED
        fields: list[Argument] = ["revision", checkpoint.revision, "token", token, "entry", self._mask(entry_to(entry))]
        fields += ["head", self._encode(checkpoint.head)]
        for name, value in checkpoint.fields.items():
            fields += [f"f:{name}", self._encode(value)]
        gone: list[Argument] = []
        for (position, iteration), pieces in checkpoint.live.items():
            piece = f"{iteration}:{names.plain(position)}"
            if pieces is None:
                gone += [f"l:{piece}", f"m:{piece}"]
                continue
            fixed, moving = pieces
            if fixed is not None:
                fields += [f"l:{piece}", self._encode(fixed)]
            fields += [f"m:{piece}", self._encode(moving)]
        if ended:
            gone.append("listens")
        elif checkpoint.subscriptions is not None:
            fields += ["listens", self._mask(subscriptions_to(checkpoint.subscriptions))]
        self._commands(key, "HSET", fields)
        self._commands(key, "HDEL", gone)
        for loop, below in checkpoint.pruned.items():
            prefix = names.loop_prefix(loop)
            self._command(key + 1, "ZREMRANGEBYLEX", f"[{prefix}", f"({names.round_prefix(loop, below)}")
        self._commands(key + 1, "ZADD", list(self._runs(checkpoint)))
        self._command(key, "MOVE", names.places_of(entry))

    def _runs(self, checkpoint: Checkpoint) -> Iterator[Argument]:
        rounds = groupby(checkpoint.history, _round_of)
        for number, ((loop, iteration), run) in enumerate(rounds):
            records = self._encode([record for _, record in run])
            yield 0
            yield names.run_member(loop, iteration, checkpoint.revision, number, records)

    def _commands(self, key: int, command: str, arguments: Sequence[Argument]) -> None:
        for start in range(0, len(arguments), _AT_ONCE):
            self._command(key, command, *arguments[start : start + _AT_ONCE])

    def _command(self, key: int, command: str, *arguments: Argument) -> None:
        self.arguments += [len(arguments) + 2, key, command, *arguments]


def _round_of(completed: tuple[str, Json]) -> tuple[str, int]:
    loop, record = completed
    return loop, record["iteration"] if loop else 0
