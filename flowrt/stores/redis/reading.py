"""What the Redis store reads, from the bytes of an instance's hash; a damaged one concerns its own instance only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flowrt.core.definition import Subscription
from flowrt.core.records import BrokenRecord, Stored
from flowrt.stores.entries import entry_from, subscriptions_from, unlisted
from flowrt.stores.protocol import BrokenEntry, Entry, Query
from flowrt.stores.redis import names
from flowrt.stores.redis.splitting import whole

Json = Any
Decode = Callable[[bytes], Json]


def stored_from(id_: str, fields: Mapping[bytes, bytes], decode: Decode) -> Stored | BrokenEntry:
    """An instance from all fields of its hash."""
    try:
        fields = whole(fields)
        entry_from(fields.get(b"entry", b""))
        subscriptions_from(fields.get(b"listens", b"[]"))
        large, fixed, moving = {}, {}, {}
        for name, value in fields.items():
            kind = name[:2]
            if kind == b"f:":
                large[name[2:].decode()] = decode(value)
            elif kind == b"l:":
                fixed[_key(name)] = decode(value)
            elif kind == b"m:":
                moving[_key(name)] = decode(value)
        if fixed.keys() != moving.keys():
            raise BrokenRecord("a live state has only one of its two pieces")
        live = [(key, piece, moving[key]) for key, piece in fixed.items()]
        return Stored(decode(fields.get(b"head", b"")), large, live)
    except (BrokenRecord, ValueError) as error:
        return BrokenEntry(id_, f"the record in Redis is damaged: {error}")


def listed(encoded_id: bytes, entry: bytes | None, listens: bytes | None) -> tuple[Entry, list[Subscription]]:
    """An instance among the unfinished."""
    try:
        return entry_from(entry or b""), subscriptions_from(listens or b"[]")
    except (BrokenRecord, ValueError):
        return unlisted(names.id_from(encoded_id)), []


def history_from(id_: str, members: list[bytes], decode: Decode) -> list[Json]:
    """The completed tasks in order of completion. Raises `BrokenRecord`."""
    try:
        return [record for records in names.runs_in(members) for record in decode(records)]
    except (ValueError, TypeError) as error:
        raise BrokenRecord(f"the history of {id_} is damaged: {error}") from error


def place_of(query: Query) -> tuple[int, bytes]:
    """The sorted set that leaves the fewest, and what its members begin with."""
    if query.tag is not None:
        return names.TAGS, names.tag_prefix(*query.tag)
    if query.namespace is not None and query.name is not None:
        return names.NAMES, names.name_prefix(query.namespace, query.name)
    if query.status is not None:
        return names.STATUSES, names.status_prefix(query.status)
    return names.STARTS, b""


def _key(name: bytes) -> tuple[str, int]:
    iteration, _, position = name[2:].partition(b":")
    return position.decode(errors="surrogatepass"), int(iteration)
