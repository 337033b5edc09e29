"""Names of the Redis store: its keys, and the members whose order is the order in which things are read.

All keys of an application share one hash tag, so that a Redis Cluster keeps them on one node, and a batch is one step.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import groupby
from urllib.parse import quote

from flowrt.core.instance import ENDED
from flowrt.stores.protocol import Entry
from flowrt.stores.sortable import digest, moment, text

PLACES = (b"starts", b"statuses", b"names", b"tags", b"ended", b"unfinished")
"""The sorted sets that find instances; a member of each begins with what it is found by and ends with the id."""
STARTS, STATUSES, NAMES, TAGS, ENDED_AT, UNFINISHED = range(len(PLACES))
_ABOVE, _ESCAPED = re.compile(rb"[\x7e-\xff]"), re.compile(rb"~[0-9a-f]{2}")
Place = tuple[int, bytes]
"""One of `PLACES`, and a member of it."""
FoundBy = tuple[str, str, tuple[tuple[str, str], ...]]
"""Namespace, name and tags."""


class Names:
    """The keys of one application."""

    def __init__(self, application: str) -> None:
        prefix = f"flowrt:{{{quote(application, safe=' ')}}}:".encode()
        self.lease = prefix + b"lease"
        self.places = [prefix + name for name in PLACES]
        self.seen = prefix + b"seen"
        self.outbox = prefix + b"outbox"
        self.outbox_order = prefix + b"outbox-order"
        self.definitions = prefix + b"definitions"
        self.turn = prefix + b"turn"
        self._instance = prefix + b"instance:"
        self._history = prefix + b"history:"

    def fixed(self) -> list[bytes]:
        """The keys that every step gets, in their order."""
        return [self.lease, *self.places, self.seen, self.outbox, self.outbox_order]

    def instance(self, id_: bytes) -> bytes:
        """The hash of an instance."""
        return self._instance + id_

    def history(self, id_: bytes) -> bytes:
        """The sorted set of its completed tasks."""
        return self._history + id_


def encoded(id_: str) -> bytes:
    """An id as ASCII in the order of ids: not every server sorts other bytes as the rest of the world does."""
    return _ABOVE.sub(lambda match: b"~" + match[0].hex().encode(), text(id_))


def id_from(encoded_id: bytes) -> str:
    """The id again."""
    found = _ESCAPED.sub(lambda match: bytes.fromhex(match[0][1:].decode()), encoded_id)
    return found.decode(errors="surrogatepass")


def loop_prefix(loop: str) -> bytes:
    """Begins the members of a history that belong to one loop."""
    return digest(loop).hex()[:16].encode() + b":" if loop else b"-:"


def round_prefix(loop: str, iteration: int) -> bytes:
    """… and to one round of it."""
    return loop_prefix(loop) + b"%012x:" % iteration


def run_prefix(loop: str, iteration: int, revision: int, number: int) -> bytes:
    """Begins the members of a run of records of one round, the `number`-th run that this revision has completed."""
    return b"%b%012x%06x" % (round_prefix(loop, iteration), revision, number)


def run_member(prefix: bytes, part: int, records: bytes) -> bytes:
    """One part of a run."""
    return b"%b.%04x:%b" % (prefix, part, records)


def runs_in(members: Iterable[bytes]) -> list[bytes]:
    """The records of all runs in their order, each in one piece. Raises `ValueError`."""
    parts = []
    for member in members:
        _, _, order, records = member.split(b":", 3)
        parts.append((order, records))
    parts.sort()
    runs = groupby(parts, lambda part: part[0].partition(b".")[0])
    return [b"".join(records for _, records in run) for _, run in runs]


def places_of(entry: Entry) -> bytes:
    """Where an instance is found, packed."""
    found_by = (entry.namespace, entry.name, tuple(sorted(entry.tags.items())))
    return _places(entry.id, entry.status, entry.started_at, entry.ended_at or 0.0, found_by)


@lru_cache(maxsize=4096)
def _places(id_: str, status: str, started_at: float, ended_at: float, found_by: FoundBy) -> bytes:
    namespace, name, tags = found_by
    end = encoded(id_)
    tail = at(started_at) + end
    found = [(STARTS, tail), (STATUSES, status_prefix(status) + tail), (NAMES, name_prefix(namespace, name) + tail)]
    found += [(TAGS, tag_prefix(*tag) + tail) for tag in tags]
    if status in ENDED:
        found.append((ENDED_AT, status_prefix(status) + at(ended_at) + end))
    else:
        found.append((UNFINISHED, end))
    return packed(found)


def packed(places: Iterable[Place]) -> bytes:
    """As the instance keeps them: for each the number of the set, and length and bytes of the member."""
    return b"".join(b"%d:%d:%b" % (place, len(member), member) for place, member in places)


def unpacked(value: bytes) -> set[Place]:
    """The places again. Raises `ValueError`."""
    found = set()
    while value:
        place, size, rest = value.split(b":", 2)
        found.add((int(place), rest[: int(size)]))
        value = rest[int(size) :]
    return found


def at(seconds: float) -> bytes:
    """A time, in the order of time."""
    return moment(seconds).hex().encode()


def status_prefix(status: str) -> bytes:
    """Begins the members of one status."""
    return status.encode() + b":"


def name_prefix(namespace: str, name: str) -> bytes:
    """Begins the members of one workflow, in all its versions."""
    return digest(namespace, name).hex().encode() + b":"


def tag_prefix(key: str, value: str) -> bytes:
    """Begins the members of one tag."""
    return digest(key, value).hex().encode() + b":"


def bounds(prefix: bytes, after: tuple[float, str] | None, since: float | None) -> tuple[bytes, bytes]:
    """Between which members to read backwards; `prefix` ends in a colon or is empty."""
    upper = b"(" + prefix[:-1] + b";" if prefix else b"+"
    if after is not None:
        upper = b"(" + prefix + at(after[0]) + encoded(after[1])
    lower = prefix if since is None else prefix + at(since)
    return upper, b"[" + lower if lower else b"-"


def id_in(member: bytes, prefix: bytes) -> bytes:
    """The id in a member that begins with the prefix and a time."""
    return member[len(prefix) + 16 :]


def event_member(source: str, id_: str) -> str:
    """An event among the accepted ones and in the outbox."""
    return json.dumps([source, id_])
