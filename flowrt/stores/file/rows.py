"""Values of the file store: the row of an instance and its entry among the unfinished."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from flowrt.core.definition import Subscription
from flowrt.core.records import BrokenRecord
from flowrt.stores.entries import entry_from, subscriptions_from
from flowrt.stores.protocol import Entry

_ROW = struct.Struct(">QQQI")
_LENGTH = struct.Struct(">I")


@dataclass(slots=True)
class Row:
    """What every commit rewrites: a few numbers, then entry and head as JSON."""

    revision: int
    token: int
    completed: int
    """How many records of completed tasks were ever written: the sequence of the next one."""
    entry: bytes
    head: bytes

    def packed(self) -> bytes:
        return _ROW.pack(self.revision, self.token, self.completed, len(self.entry)) + self.entry + self.head


def unpack_row(value: bytes) -> Row:
    """Raises `BrokenRecord`."""
    try:
        revision, token, completed, length = _ROW.unpack_from(value)
    except struct.error as error:
        raise BrokenRecord(f"the row is damaged: {error}") from error
    middle = _ROW.size + length
    return Row(revision, token, completed, value[_ROW.size : middle], value[middle:])


def entry_in_row(value: bytes) -> Entry:
    """Raises `BrokenRecord`."""
    return entry_from(unpack_row(value).entry)


def pack_unfinished(entry: bytes, subscriptions: bytes) -> bytes:
    """Entry and subscriptions, both JSON."""
    return _LENGTH.pack(len(entry)) + entry + subscriptions


def subscriptions_in(value: bytes) -> bytes:
    """The subscriptions of such a value, as JSON."""
    return value[_LENGTH.size + _LENGTH.unpack_from(value)[0] :]


def unpack_unfinished(value: bytes) -> tuple[Entry, Sequence[Subscription]]:
    """Raises `BrokenRecord`."""
    try:
        middle = _LENGTH.size + _LENGTH.unpack_from(value)[0]
    except struct.error as error:
        raise BrokenRecord(f"the entry among the unfinished is damaged: {error}") from error
    return entry_from(value[_LENGTH.size : middle]), subscriptions_from(value[middle:])
