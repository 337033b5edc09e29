"""Names of the Redis store: its keys, and the members whose order is the order in which things are read.

- All keys of an application share one hash tag, so that a Redis Cluster keeps them on one node, and a batch is one
  script.
- Keys, fields and members are ASCII without NUL, in the order of the texts they stand for: not every server's Lua
  passes other bytes through. Values pass it as they are, or behind a mark where the server needs that.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from urllib.parse import quote

from flowrt.core.instance import ENDED
from flowrt.stores.protocol import Entry
from flowrt.stores.sortable import digest, moment, text

PLACES = ("starts", "statuses", "names", "tags", "ended", "unfinished")
"""The sorted sets that find instances; a member of each begins with what it is found by and ends with the id."""
STARTS, STATUSES, NAMES, TAGS, ENDED_AT, UNFINISHED = range(len(PLACES))
_STRANGE = re.compile(rb"[\x00\x01\x7e-\xff]")
_HELD = re.compile(r"\x01[\x01\x02]|~[0-9a-f]{2}")
_MARK = b"~"


class Names:
    """The keys of one application."""

    def __init__(self, application: str) -> None:
        prefix = f"flowrt:{{{quote(application, safe='')}}}:"
        self.lease = prefix + "lease"
        self.places = [prefix + name for name in PLACES]
        self.seen = prefix + "seen"
        self.outbox = prefix + "outbox"
        self.outbox_order = prefix + "outbox-order"
        self.definitions = prefix + "definitions"
        self._instance = prefix + "instance:"
        self._history = prefix + "history:"

    def fixed(self) -> list[str]:
        """The keys that every script gets, in their order."""
        return [self.lease, *self.places, self.seen, self.outbox, self.outbox_order]

    def instance_of(self, plain_id: str) -> str:
        """The hash of an instance whose id is taken from a member."""
        return self._instance + plain_id

    def instance(self, id_: str) -> str:
        """The hash of an instance."""
        return self._instance + plain(id_)

    def history(self, id_: str) -> str:
        """The sorted set of its completed tasks."""
        return self._history + plain(id_)


def plain(value: str) -> str:
    """ASCII without NUL, in the order of the values."""
    if value.isascii() and not _STRANGE.search(value.encode()):
        return value
    return _STRANGE.sub(_replace, text(value)).decode("ascii")


def original(member: str) -> str:
    """What `plain` was given."""
    found = _HELD.sub(lambda match: _BYTES[match[0]], member)
    return found.encode("latin-1").decode(errors="surrogatepass")


def _replace(match: re.Match[bytes]) -> bytes:
    byte = match[0]
    if byte < b"\x02":
        return b"\x01" + bytes((byte[0] + 1,))
    return b"~" + byte.hex().encode()


_BYTES = {
    **{f"~{byte:02x}": chr(byte) for byte in range(0x7E, 0x100)},
    "\x01\x01": "\x00",
    "\x01\x02": "\x01",
}


def at(seconds: float) -> str:
    """A time, in the order of time."""
    return moment(seconds).hex()


def loop_prefix(loop: str) -> str:
    """Begins the members of a history that belong to one loop."""
    return digest(loop).hex()[:16] + ":" if loop else "-:"


def round_prefix(loop: str, iteration: int) -> str:
    """… and to one round of it."""
    return f"{loop_prefix(loop)}{iteration:012x}:"


def run_member(loop: str, iteration: int, revision: int, number: int, records: bytes) -> bytes:
    """A run of records of one loop round, the `number`-th run that this revision has completed."""
    return f"{round_prefix(loop, iteration)}{revision:012x}{number:06x}:".encode() + records


def run_of(member: bytes) -> tuple[bytes, bytes]:
    """What orders a run among all runs, and its records."""
    _, _, order, records = member.split(b":", 3)
    return order, records


def places_of(entry: Entry) -> str:
    """Where an instance is found: for each sorted set its number, and length and text of the member."""
    tail = at(entry.started_at) + plain(entry.id)
    found = [(STARTS, tail), (STATUSES, status_prefix(entry.status) + tail)]
    found.append((NAMES, name_prefix(entry.namespace, entry.name) + tail))
    found += [(TAGS, tag_prefix(*tag) + tail) for tag in sorted(entry.tags.items())]
    if entry.status in ENDED:
        found.append((ENDED_AT, status_prefix(entry.status) + at(entry.ended_at or 0.0) + plain(entry.id)))
    else:
        found.append((UNFINISHED, plain(entry.id)))
    return "".join(f"{place + 1}:{len(member)}:{member}" for place, member in found)


def status_prefix(status: str) -> str:
    """Begins the members of one status."""
    return status + ":"


def name_prefix(namespace: str, name: str) -> str:
    """Begins the members of one workflow, in all its versions."""
    return digest(namespace, name).hex() + ":"


def tag_prefix(key: str, value: str) -> str:
    """Begins the members of one tag."""
    return digest(key, value).hex() + ":"


def bounds(prefix: str, after: tuple[float, str] | None, since: float | None) -> tuple[str, str]:
    """Between which members to read backwards; `prefix` ends in a colon or is empty."""
    upper = f"({prefix[:-1]};" if prefix else "+"
    if after is not None:
        upper = f"({prefix}{at(after[0])}{plain(after[1])}"
    lower = prefix if since is None else prefix + at(since)
    return upper, f"[{lower}" if lower else "-"


def id_in(member: str, prefix: str) -> str:
    """The id, still plain, in a member that begins with the prefix and a time."""
    return member[len(prefix) + 16 :]


def event_member(source: str, id_: str) -> str:
    """An event among the accepted ones and in the outbox."""
    return json.dumps([source, id_])


def masked(value: bytes) -> bytes:
    """The value behind a mark if it has bytes that not every server's Lua passes through."""
    return value if value.isascii() and b"\x00" not in value else _MARK + b64encode(value)


def unmasked(value: bytes) -> bytes:
    """The value again. Raises `ValueError`. JSON and compressed values never begin with the mark."""
    return b64decode(value[1:], validate=True) if value[:1] == _MARK else value
