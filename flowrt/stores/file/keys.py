"""Keys of the file store: bytes whose order is the order in which things are read.

LMDB takes keys of at most 511 bytes, while ids and positions may be longer: what is too long is cut and completed by a
digest, and the value carries it in full. Everything of one instance lies side by side under its serial number.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from hashlib import blake2b

ROW, FIELD, HISTORY, LIVE = b"\x00", b"f", b"h", b"l"
FIXED, MOVING = b"\x00", b"\x01"
BY_START, BY_STATUS, BY_NAME, BY_TAG, BY_END = b"s", b"p", b"n", b"t", b"e"

_NUMBER = struct.Struct(">Q")
_TWO_NUMBERS = struct.Struct(">QQ")
_ID_LIMIT, _ID_KEPT, _DIGEST = 400, 384, 16


def number(value: int) -> bytes:
    """Eight bytes in the order of the numbers from zero on."""
    return _NUMBER.pack(value)


def number_in(key: bytes, at: int = 0) -> int:
    """The number that begins there."""
    found: int = _NUMBER.unpack_from(key, at)[0]
    return found


def moment(seconds: float) -> bytes:
    """Eight bytes in the order of time; IEEE 754 sorts like integers once negative numbers are turned round."""
    bits: int = _NUMBER.unpack(struct.pack(">d", seconds))[0]
    return _NUMBER.pack(bits ^ 0xFFFFFFFFFFFFFFFF if bits >> 63 else bits | 1 << 63)


def id_key(id_: str) -> bytes:
    """An instance's id, in the order of ids; never empty."""
    text = id_.encode()
    if len(text) <= _ID_LIMIT:
        return text + b"\x00"
    return text[:_ID_KEPT] + digest(id_)


@lru_cache(maxsize=16384)
def digest(*parts: str) -> bytes:
    """Sixteen bytes that stand for texts of any length."""
    made = blake2b(digest_size=_DIGEST)
    for part in parts:
        text = part.encode()
        made.update(_NUMBER.pack(len(text)) + text)
    return made.digest()


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
    return serial + LIVE + digest(position) + _NUMBER.pack(iteration)


def status_prefix(kind: bytes, status: str) -> bytes:
    """Before the entries of one status in one of the two indexes by status."""
    return kind + status.encode() + b"\x00"


def after(prefix: bytes) -> bytes:
    """The first key that does not begin so. Prefixes begin with a kind or a serial, never with 0xff alone."""
    cut = prefix.rstrip(b"\xff")
    return cut[:-1] + bytes((cut[-1] + 1,))
