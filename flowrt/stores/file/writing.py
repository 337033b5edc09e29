"""What a commit and a deletion change, within one LMDB transaction.

An index entry is derived from the entry in the row, and changes exactly when that one does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any

from flowrt.core.instance import ENDED
from flowrt.core.records import BrokenRecord
from flowrt.stores import sortable
from flowrt.stores.entries import entry_from, entry_to, subscriptions_to
from flowrt.stores.file import keys
from flowrt.stores.file.environment import Databases
from flowrt.stores.file.rows import Row, pack_unfinished, subscriptions_in, unpack_row
from flowrt.stores.protocol import Batch, Checkpoint, Entry, StaleOwner

Json = Any
Encode = Callable[[Json], bytes]
TOKEN, SERIAL = b"token", b"serial"


class Writing:
    """One write transaction."""

    def __init__(self, transaction: Any, databases: Databases, encode: Encode) -> None:
        self._transaction = transaction
        self._databases = databases
        self._encode = encode
        self._put_record = transaction.cursor(databases.records).put

    def commit(self, batch: Batch, token: int) -> None:
        """Raises `StaleOwner` before anything is written."""
        current = self.token()
        if token != current:
            raise StaleOwner(f"token {token} is not current, {current} is")
        found = [self._found(checkpoint) for checkpoint in batch.checkpoints]
        if self._already(batch, token, found):
            return
        for checkpoint, (serial, row) in zip(batch.checkpoints, found, strict=True):
            self._write(checkpoint, token, serial, row)
        for source, id_, until in batch.seen:
            self._mark_seen(source, id_, until)
        for event in batch.emitted():
            self._put_event(event)
        for source, id_ in batch.sent:
            self._remove_event(sortable.digest(source, id_))

    def token(self) -> int:
        """The current fencing token."""
        value = self._transaction.get(TOKEN, db=self._databases.meta)
        return 0 if value is None else sortable.number_in(value)

    def next_token(self) -> int:
        """Makes the next token the current one."""
        token = self.token() + 1
        self._transaction.put(TOKEN, sortable.number(token), db=self._databases.meta)
        return token

    def delete(self, id_: str) -> bool:
        """Removes an instance and all that finds it."""
        id_key = keys.id_key(id_)
        serial = self._transaction.pop(id_key, db=self._databases.ids)
        if serial is None:
            return False
        value = self._transaction.get(serial + keys.ROW, db=self._databases.records)
        try:
            entry = None if value is None else entry_from(unpack_row(value).entry)
        except BrokenRecord:
            entry = None  # what the index still says of it leads to no row and is passed over
        if entry is not None:
            for key in index_keys(entry, id_key):
                self._transaction.delete(key, db=self._databases.index)
        self._transaction.delete(id_key, db=self._databases.unfinished)
        self._delete_range(serial, keys.after(serial))
        return True

    def forget_seen(self, before: float) -> None:
        """Removes the marks that may go before then."""
        with self._transaction.cursor(self._databases.seen) as cursor:
            end = b"u" + sortable.moment(before)
            while cursor.set_range(b"u") and cursor.key() < end:
                self._transaction.delete(b"e" + cursor.key()[-16:], db=self._databases.seen)
                cursor.delete()

    def _found(self, checkpoint: Checkpoint) -> tuple[bytes | None, Row | None]:
        serial = self._transaction.get(keys.id_key(checkpoint.entry.id), db=self._databases.ids)
        if serial is None:
            return None, None
        value = self._transaction.get(serial + keys.ROW, db=self._databases.records)
        try:
            return serial, unpack_row(value or b"")
        except BrokenRecord as error:
            raise StaleOwner(
                f"{checkpoint.entry.id} is damaged in the store: {error}", [checkpoint.entry.id]
            ) from error

    def _already(self, batch: Batch, token: int, found: Sequence[tuple[bytes | None, Row | None]]) -> bool:
        stale, written = [], False
        for checkpoint, (_, row) in zip(batch.checkpoints, found, strict=True):
            if row is not None and (row.revision, row.token) == (checkpoint.revision, token):
                written = True
            elif checkpoint.revision - 1 != (0 if row is None else row.revision):
                stale.append(checkpoint.entry.id)
        if stale:
            raise StaleOwner(f"{len(stale)} instances have another revision", stale)
        return written

    def _write(self, checkpoint: Checkpoint, token: int, serial: bytes | None, row: Row | None) -> None:
        id_key = keys.id_key(checkpoint.entry.id)
        if serial is None:
            serial = self._new_serial()
            self._transaction.put(id_key, serial, db=self._databases.ids)
        completed = 0 if row is None else row.completed
        entry = entry_to(checkpoint.entry)
        new_row = Row(
            checkpoint.revision, token, completed + len(checkpoint.history), entry, self._encode(checkpoint.head)
        )
        self._put_record(serial + keys.ROW, new_row.packed())
        for name, value in checkpoint.fields.items():
            self._put_record(serial + keys.FIELD + sortable.text(name), self._encode(value))
        self._write_live(checkpoint, serial)
        for loop, below in checkpoint.pruned.items():
            prefix = keys.history_prefix(serial, loop)
            self._delete_range(prefix, prefix + sortable.number(below))
        self._append(checkpoint.history, serial, completed)
        self._find_again(checkpoint, id_key, row, entry)

    def _new_serial(self) -> bytes:
        value = self._transaction.get(SERIAL, db=self._databases.meta)
        serial = sortable.number(1 if value is None else sortable.number_in(value) + 1)
        self._transaction.put(SERIAL, serial, db=self._databases.meta)
        return serial

    def _write_live(self, checkpoint: Checkpoint, serial: bytes) -> None:
        for (position, iteration), pieces in checkpoint.live.items():
            key = keys.live_key(serial, position, iteration)
            if pieces is None:
                self._transaction.delete(key + keys.FIXED, db=self._databases.records)
                self._transaction.delete(key + keys.MOVING, db=self._databases.records)
                continue
            fixed, moving = pieces
            if fixed is not None:
                self._put_record(key + keys.FIXED, self._encode([position, iteration, fixed]))
            self._put_record(key + keys.MOVING, self._encode(moving))

    def _append(self, history: Sequence[tuple[str, Json]], serial: bytes, sequence: int) -> None:
        for (loop, iteration), run in groupby(history, _round_of):
            records = [record for _, record in run]
            self._put_record(keys.history_key(serial, loop, iteration, sequence), self._encode(records))
            sequence += len(records)

    def _find_again(self, checkpoint: Checkpoint, id_key: bytes, row: Row | None, entry: bytes) -> None:
        changed = row is None or row.entry != entry
        if changed:
            old = set() if row is None else self._old_index_keys(row, checkpoint.entry.id)
            new = set(index_keys(checkpoint.entry, id_key))
            for key in old - new:
                self._transaction.delete(key, db=self._databases.index)
            for key in new - old:
                self._transaction.put(key, id_key, db=self._databases.index)
        if checkpoint.entry.status in ENDED:
            if changed:
                self._transaction.delete(id_key, db=self._databases.unfinished)
        elif checkpoint.subscriptions is not None:
            value = pack_unfinished(entry, subscriptions_to(checkpoint.subscriptions))
            self._transaction.put(id_key, value, db=self._databases.unfinished)
        elif changed:
            before = self._transaction.get(id_key, db=self._databases.unfinished)
            value = pack_unfinished(entry, b"[]" if before is None else subscriptions_in(before))
            self._transaction.put(id_key, value, db=self._databases.unfinished)

    def _old_index_keys(self, row: Row, id_: str) -> set[bytes]:
        try:
            return set(index_keys(entry_from(row.entry), keys.id_key(id_)))
        except BrokenRecord as error:
            raise _damaged(id_, error) from error

    def _mark_seen(self, source: str, id_: str, until: float) -> None:
        digest = sortable.digest(source, id_)
        before = self._transaction.replace(b"e" + digest, sortable.moment(until), db=self._databases.seen)
        if before is not None:
            self._transaction.delete(b"u" + before + digest, db=self._databases.seen)
        # As ASCII, since a text may be none that UTF-8 has.
        mark = json.dumps([source, id_, until]).encode()
        self._transaction.put(keys.mark_key(source, id_, until), mark, db=self._databases.seen)

    def _put_event(self, event: dict[str, Json]) -> None:
        digest = sortable.digest(event["source"], event["id"])
        place = self._transaction.get(b"e" + digest, db=self._databases.outbox)
        if place is None:
            with self._transaction.cursor(self._databases.outbox) as cursor:
                last = cursor.key() if cursor.last() else b""
            place = sortable.number(sortable.number_in(last, 1) + 1 if last[:1] == b"p" else 1)
            self._transaction.put(b"e" + digest, place, db=self._databases.outbox)
        self._transaction.put(b"p" + place, self._encode(event), db=self._databases.outbox)

    def _remove_event(self, digest: bytes) -> None:
        place = self._transaction.pop(b"e" + digest, db=self._databases.outbox)
        if place is not None:
            self._transaction.delete(b"p" + place, db=self._databases.outbox)

    def _delete_range(self, start: bytes, end: bytes) -> None:
        with self._transaction.cursor(self._databases.records) as cursor:
            found = cursor.set_range(start)
            while found and cursor.key() < end:
                found = cursor.delete()


def _round_of(completed: tuple[str, Json]) -> tuple[str, int]:
    loop, record = completed
    return loop, record["iteration"] if loop else 0


def _damaged(id_: str, error: BrokenRecord) -> StaleOwner:
    return StaleOwner(f"{id_} is damaged in the store: {error}", [id_])


def index_keys(entry: Entry, id_key: bytes) -> Iterator[bytes]:
    """Where an entry is found."""
    tail = sortable.moment(entry.started_at) + id_key
    yield keys.BY_START + tail
    yield keys.status_prefix(keys.BY_STATUS, entry.status) + tail
    yield keys.BY_NAME + sortable.digest(entry.namespace, entry.name) + tail
    for tag in entry.tags.items():
        yield keys.BY_TAG + sortable.digest(*tag) + tail
    if entry.status in ENDED:
        yield keys.status_prefix(keys.BY_END, entry.status) + sortable.moment(entry.ended_at or 0.0) + id_key
