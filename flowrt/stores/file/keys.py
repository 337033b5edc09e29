"""Keys of the file store: bytes whose order is the order in which things are read.

LMDB takes keys of at most 511 bytes, while ids and positions may be longer: what is too long is cut and completed by a
digest, and the value carries it in full. Everything of one instance lies side by side under its serial number.
"""

from __future__ import annotations

import struct

from flowrt.stores.sortable import digest, moment, number, number_in, text

ROW, FIELD, HISTORY, LIVE = b"\x00", b"f", b"h", b"l"
FIXED, MOVING = b"\x00", b"\x01"
BY_START, BY_STATUS, BY_NAME, BY_TAG, BY_END = b"s", b"p", b"n", b"t", b"e"

_TWO_NUMBERS = struct.Struct(">QQ")
_ID_LIMIT, _ID_KEPT = 400, 384


def id_key(id_: str) -> bytes:
    """An instance's id, in the order of ids; never empty."""
    encoded = text(id_)
    if len(encoded) <= _ID_LIMIT:
        return encoded + b"\x00"
    return encoded[:_ID_KEPT] + digest(id_)


def history_prefix(serial: bytes, loop: str) -> bytes:
    """Before the rounds of one loop."""
    return serial + HISTORY + digest(loop)


def history_key(serial: bytes, loop: str, iteration: int, sequence: int) -> bytes:
    """A run of records of one loop round; the sequence is that of the first one."""
    return history_prefix(serial, loop) + _TWO_NUMBERS.pack(iteration, sequence)


def sequence_of(key: bytes) -> int:
    """The sequence in a history key."""
    return number_in(key, len(key) - 8)


def live_key(serial: bytes, position: str, iteration: int) -> bytes:
    """A live state, without the last byte that says which piece."""
    return serial + LIVE + digest(position) + number(iteration)


def status_prefix(kind: bytes, status: str) -> bytes:
    """Before the entries of one status in one of the two indexes by status."""
    return kind + status.encode() + b"\x00"


def mark_key(source: str, id_: str, until: float) -> bytes:
    """The mark of an accepted event, in the order in which marks may go."""
    return b"u" + moment(until) + digest(source, id_)


def after(prefix: bytes) -> bytes:
    """The first key that does not begin so. Prefixes begin with a kind or a serial, never with 0xff alone."""
    cut = prefix.rstrip(b"\xff")
    return cut[:-1] + bytes((cut[-1] + 1,))
