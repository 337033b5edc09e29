"""Splitting: values too long for one request, in parts beside each other in the same hash.

Infinispan closes the connection on a request of more than 10 MB; Redis takes half a gigabyte, so that only the steps
for the former split. The field itself then says how many parts there are, and the field `large` which fields are split:
a part never outlives its value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from flowrt.stores.redis.layout import Argument, Command

PART = 4 << 20
LARGE = b"large"
_MARK = b"\x04"
"""Neither JSON nor a compressed value begins so."""
Fields = dict[bytes, int]
"""Field -> how many parts it has."""


class Splitting:
    """The commands of one step, with the large values in parts."""

    def __init__(self, large: Mapping[bytes, Fields]) -> None:
        """`large`: the fields that are split now, of each hash that is written."""
        self._large = {key: dict(fields) for key, fields in large.items()}
        self._changed: set[bytes] = set()

    def of(self, commands: Iterable[Command]) -> Iterator[Command]:
        """What to send instead."""
        for key, name, arguments in commands:
            if name == "HSET":
                yield from self._set(key, arguments)
            elif name == "HDEL":
                yield key, name, [*arguments, *self._parts_gone(key, arguments)]
            else:
                yield key, name, arguments

    def rest(self, pack: Callable[[Iterable[tuple[int, bytes]]], bytes]) -> Iterator[Command]:
        """What is split from now on."""
        for key in self._changed:
            yield key, "HSET", [LARGE, pack((count, field) for field, count in self._large[key].items())]

    def _set(self, key: bytes, arguments: Sequence[Argument]) -> Iterator[Command]:
        small: list[Argument] = []
        fields = arguments[::2]
        gone = self._parts_gone(key, fields)
        if gone:
            yield key, "HDEL", gone
        for field, value in zip(fields, arguments[1::2], strict=True):
            if not isinstance(value, bytes) or len(value) <= PART:
                small += (field, value)
                continue
            name = _name(field)
            parts = [part_name(name, number) for number in range(-(-len(value) // PART))]
            for number, part in enumerate(parts):
                yield key, "HSET", [part, value[number * PART : (number + 1) * PART]]
            small += (name, b"%b%d" % (_MARK, len(parts)))
            self._large.setdefault(key, {})[name] = len(parts)
            self._changed.add(key)
        yield key, "HSET", small

    def _parts_gone(self, key: bytes, fields: Sequence[Argument]) -> list[Argument]:
        split = self._large.get(key)
        if not split:
            return []
        gone: list[Argument] = []
        for field in map(_name, fields):
            count = split.pop(field, 0)
            if count:
                gone += (part_name(field, number) for number in range(count))
                self._changed.add(key)
        return gone


def part_name(field: bytes, number: int) -> bytes:
    """The field of one part."""
    return b"p:%d:%b" % (number, field)


def parts_of(field: bytes, value: bytes) -> list[bytes]:
    """The fields of the parts of a value; none if it is whole. Raises `ValueError`."""
    return [part_name(field, number) for number in range(int(value[1:]))] if value[:1] == _MARK else []


def whole(fields: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """The fields of a hash with their values in one piece. Raises `ValueError`."""
    if LARGE not in fields:
        return dict(fields)
    found = {}
    for field, value in fields.items():
        if field[:2] != b"p:":
            parts = parts_of(field, value)
            found[field] = b"".join(fields.get(part, b"") for part in parts) if parts else value
    return found


def _name(field: Argument) -> bytes:
    return field if isinstance(field, bytes) else str(field).encode()
