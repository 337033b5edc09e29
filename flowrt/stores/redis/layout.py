"""Layout: a batch as keys and commands, before it is made in one step.

A command has at most a thousand arguments and, but for a single large value, four megabytes: Lua cannot take many more
arguments at once, and not every server takes longer requests.
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
from flowrt.stores.sortable import text

Json = Any
Argument = str | bytes | int | float
Command = tuple[bytes, str, Sequence[Argument]]
"""Key, name, and what follows."""
_AT_ONCE = 1000
_BYTES = 4 << 20


class Layout:
    """What one commit checks and writes."""

    def __init__(self, keys: Names, encode: Callable[[Json], bytes], batch: Batch, token: int) -> None:
        self.token = token
        self.hashes: list[bytes] = []
        self.histories: list[bytes] = []
        self.revisions: list[int] = []
        """The revision that each instance is to have afterwards."""
        self.places: list[bytes] = []
        """Where each instance is to be found afterwards, packed."""
        self.commands: list[Command] = []
        self.events: list[tuple[str, bytes]] = []
        """Into the outbox, in this order."""
        self.closing: list[Command] = []
        """Out of the outbox, after all else."""
        self._encode = encode
        for checkpoint in batch.checkpoints:
            id_ = names.encoded(checkpoint.entry.id)
            self._add(checkpoint, keys.instance(id_), keys.history(id_))
        marks = [part for source, event, until in batch.seen for part in (until, names.event_member(source, event))]
        self.commands += _bounded(keys.seen, "ZADD", marks)
        self.events += [(names.event_member(event["source"], event["id"]), encode(event)) for event in batch.emitted()]
        sent = [names.event_member(*event) for event in batch.sent]
        self.closing += _bounded(keys.outbox, "HDEL", sent)
        self.closing += _bounded(keys.outbox_order, "ZREM", sent)

    def _add(self, checkpoint: Checkpoint, hash_: bytes, history: bytes) -> None:
        self.hashes.append(hash_)
        self.histories.append(history)
        self.revisions.append(checkpoint.revision)
        self.places.append(names.places_of(checkpoint.entry))
        # The first command writes, so that a server that refuses writes refuses before anything is changed.
        self._set_fields(checkpoint, hash_)
        for loop, below in checkpoint.pruned.items():
            until = b"(" + names.round_prefix(loop, below)
            self.commands.append((history, "ZREMRANGEBYLEX", (b"[" + names.loop_prefix(loop), until)))
        self.commands += _bounded(history, "ZADD", list(self._runs(checkpoint)))

    def _set_fields(self, checkpoint: Checkpoint, hash_: bytes) -> None:
        fields: list[Argument] = ["revision", checkpoint.revision, "token", self.token]
        fields += ["entry", entry_to(checkpoint.entry), "head", self._encode(checkpoint.head)]
        for name, value in checkpoint.fields.items():
            fields += [f"f:{name}", self._encode(value)]
        gone: list[Argument] = []
        for (position, iteration), pieces in checkpoint.live.items():
            piece = b":%d:%b" % (iteration, text(position))
            if pieces is None:
                gone += [b"l" + piece, b"m" + piece]
                continue
            fixed, moving = pieces
            if fixed is not None:
                fields += [b"l" + piece, self._encode(fixed)]
            fields += [b"m" + piece, self._encode(moving)]
        if checkpoint.entry.status in ENDED:
            gone.append("listens")
        elif checkpoint.subscriptions is not None:
            fields += ["listens", subscriptions_to(checkpoint.subscriptions)]
        self.commands += _bounded(hash_, "HSET", fields)
        self.commands += _bounded(hash_, "HDEL", gone)

    def _runs(self, checkpoint: Checkpoint) -> Iterator[Argument]:
        rounds = groupby(checkpoint.history, _round_of)
        for number, ((loop, iteration), run) in enumerate(rounds):
            records = self._encode([record for _, record in run])
            prefix = names.run_prefix(loop, iteration, checkpoint.revision, number)
            for part, start in enumerate(range(0, len(records), _BYTES)):
                yield 0
                yield names.run_member(prefix, part, records[start : start + _BYTES])


def _round_of(completed: tuple[str, Json]) -> tuple[str, int]:
    loop, record = completed
    return loop, record["iteration"] if loop else 0


def _bounded(key: bytes, name: str, arguments: Sequence[Argument]) -> Iterator[Command]:
    """The same in several commands, none of them with too many arguments or bytes; pairs stay together."""
    start = size = 0
    for at in range(0, len(arguments), 2):
        pair = sum(len(each) for each in arguments[at : at + 2] if isinstance(each, bytes))
        if at > start and (at - start >= _AT_ONCE or size + pair > _BYTES):
            yield key, name, arguments[start:at]
            start, size = at, 0
        size += pair
    if start < len(arguments):
        yield key, name, arguments[start:]
