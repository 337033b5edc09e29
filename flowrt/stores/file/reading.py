"""What the file store reads, each within one LMDB transaction; a damaged value concerns its own instance only."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from flowrt.core.definition import Subscription
from flowrt.core.records import BrokenRecord, Stored
from flowrt.stores import sortable
from flowrt.stores.entries import entry_from, unlisted
from flowrt.stores.file import keys
from flowrt.stores.file.environment import Databases
from flowrt.stores.file.rows import entry_in_row, unpack_row, unpack_unfinished
from flowrt.stores.protocol import BrokenEntry, Entry, Mark, Query

Json = Any
Decode = Callable[[bytes], Json]
_log = logging.getLogger(__name__)


class Reading:
    """One read transaction."""

    def __init__(self, transaction: Any, databases: Databases, decode: Decode) -> None:
        self._transaction = transaction
        self._databases = databases
        self._decode = decode

    def load_all(self, ids: Sequence[str]) -> dict[str, Stored | BrokenEntry]:
        """Those of the instances that exist."""
        found = ((id_, self.load(id_)) for id_ in ids)
        return {id_: stored for id_, stored in found if stored is not None}

    def load(self, id_: str) -> Stored | BrokenEntry | None:
        """An instance without its history."""
        id_key = keys.id_key(id_)
        serial = self._transaction.get(id_key, db=self._databases.ids)
        if serial is None:
            return None
        try:
            row = unpack_row(self._transaction.get(serial + keys.ROW, db=self._databases.records) or b"")
            entry_from(row.entry)
            listens = self._transaction.get(id_key, db=self._databases.unfinished)
            if listens is not None:
                unpack_unfinished(listens)
            return Stored(self._decode(row.head), self._fields(serial), self._live(serial))
        except (BrokenRecord, ValueError) as error:
            return BrokenEntry(id_, f"the record in the file store is damaged: {error}")

    def history(self, id_: str) -> list[Json]:
        """The completed tasks in order of completion. Raises `BrokenRecord`."""
        serial = self._transaction.get(keys.id_key(id_), db=self._databases.ids)
        if serial is None:
            return []
        runs = [(keys.sequence_of(key), value) for key, value in self._pieces(serial + keys.HISTORY)]
        runs.sort()
        try:
            return [record for _, value in runs for record in self._decode(value)]
        except (ValueError, TypeError) as error:
            raise BrokenRecord(f"the history of {id_} is damaged: {error}") from error

    def unfinished(self, after: str | None, limit: int) -> list[tuple[Entry, Sequence[Subscription]]]:
        """Instances that have not ended, in the order of their ids."""
        found: list[tuple[Entry, Sequence[Subscription]]] = []
        with self._transaction.cursor(self._databases.unfinished) as cursor:
            # A key and a zero byte is the place right after that key, whether it exists or not.
            there = cursor.first() if after is None else cursor.set_range(keys.id_key(after) + b"\x00")
            while there and len(found) < limit:
                found.append(self._unfinished(cursor.key(), cursor.value()))
                there = cursor.next()
        return found

    def scan(self, query: Query, after: tuple[float, str] | None, limit: int) -> list[Entry]:
        """Up to `limit` entries that may match, newest first, by the index that leaves the fewest."""
        prefix = _prefix(query)
        start = keys.after(prefix) if after is None else prefix + sortable.moment(after[0]) + keys.id_key(after[1])
        end = prefix if query.since is None else prefix + sortable.moment(query.since)
        scanned: list[Entry] = []
        with self._transaction.cursor(self._databases.index) as cursor:
            there = cursor.prev() if cursor.set_range(start) else cursor.last()
            while there and cursor.key() >= end and len(scanned) < limit:
                entry = self._entry(cursor.value())
                if entry is not None:
                    scanned.append(entry)
                there = cursor.prev()
        return scanned

    def expired(self, status: str, ended_before: float, limit: int) -> list[str]:
        """Instances that ended so before that time, the earliest first."""
        prefix = keys.status_prefix(keys.BY_END, status)
        end = prefix + sortable.moment(ended_before)
        found: list[str] = []
        with self._transaction.cursor(self._databases.index) as cursor:
            there = cursor.set_range(prefix)
            while there and cursor.key() < end and len(found) < limit:
                entry = self._entry(cursor.value())
                if entry is not None:
                    found.append(entry.id)
                there = cursor.next()
        return found

    def seen(self, source: str, id_: str) -> bool:
        """Whether the event has been accepted."""
        return self._transaction.get(b"e" + sortable.digest(source, id_), db=self._databases.seen) is not None

    def marks(self, after: Mark | None, limit: int) -> list[Mark]:
        """Accepted events in the order in which they may go."""
        found: list[Mark] = []
        with self._transaction.cursor(self._databases.seen) as cursor:
            start = b"u" if after is None else keys.after(keys.mark_key(*after))
            there = cursor.set_range(start)
            while there and len(found) < limit:
                if value := cursor.value():
                    source, id_, until = json.loads(value)
                    found.append((source, id_, until))
                there = cursor.next()
        return found

    def outbox(self) -> list[dict[str, Json]]:
        """Events to be sent, oldest first."""
        with self._transaction.cursor(self._databases.outbox) as cursor:
            cursor.set_range(b"p")
            return [self._decode(value) for value in cursor.iternext(keys=False)]

    def counts(self) -> dict[str, int]:
        """How many instances there are."""
        return {
            "instances": self._transaction.stat(self._databases.ids)["entries"],
            "unfinished": self._transaction.stat(self._databases.unfinished)["entries"],
        }

    def _pieces(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        with self._transaction.cursor(self._databases.records) as cursor:
            if cursor.set_range(prefix):
                for key, value in cursor:
                    if not key.startswith(prefix):
                        return
                    yield key, value

    def _fields(self, serial: bytes) -> dict[str, Json]:
        prefix = serial + keys.FIELD
        return {key[len(prefix) :].decode(): self._decode(value) for key, value in self._pieces(prefix)}

    def _live(self, serial: bytes) -> list[tuple[tuple[str, int], Json, Json]]:
        live = []
        pieces = self._pieces(serial + keys.LIVE)
        for key, value in pieces:
            moving_key, moving = next(pieces, (b"", b""))
            if moving_key != key[:-1] + keys.MOVING:
                raise BrokenRecord("a live state has only one of its two pieces")
            try:
                position, iteration, fixed = self._decode(value)
            except TypeError as error:
                raise BrokenRecord(f"a live state is damaged: {error}") from error
            live.append(((position, iteration), fixed, self._decode(moving)))
        return live

    def _unfinished(self, id_key: bytes, value: bytes) -> tuple[Entry, Sequence[Subscription]]:
        try:
            return unpack_unfinished(value)
        except BrokenRecord as error:
            entry = self._entry(id_key) or unlisted(id_key[:-1].decode(errors="replace"))
            _log.warning("%s: the entry among the unfinished is damaged: %s", entry.id, error)
            return entry, ()

    def _entry(self, id_key: bytes) -> Entry | None:
        serial = self._transaction.get(id_key, db=self._databases.ids)
        value = None if serial is None else self._transaction.get(serial + keys.ROW, db=self._databases.records)
        if value is None:
            return None
        try:
            return entry_in_row(value)
        except BrokenRecord as error:
            listed = self._transaction.get(id_key, db=self._databases.unfinished)
            try:
                return None if listed is None else unpack_unfinished(listed)[0]
            except BrokenRecord:
                _log.warning("%s is damaged and cannot be listed: %s", id_key[:-1].decode(errors="replace"), error)
                return None


def _prefix(query: Query) -> bytes:
    if query.tag is not None:
        return keys.BY_TAG + sortable.digest(*query.tag)
    if query.namespace is not None and query.name is not None:
        return keys.BY_NAME + sortable.digest(query.namespace, query.name)
    if query.status is not None:
        return keys.status_prefix(keys.BY_STATUS, query.status)
    return keys.BY_START
