"""Reading and writing parts of a value: index, slice, iteration, and the paths made of them.

Writing copies what it changes and shares the rest. An array never grows by more than `LARGEST_GAP` at once: a hostile
index must not take the memory of the server.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flowrt.core.expression import Json
from flowrt.expressions.jq.values import Beyond, Raised, brief, equal, kind, order_key

LARGEST_GAP = 1_000_000
LONGEST_RUN = 1_000
_LARGEST_INT = 2**31 - 1
DEEPEST_PATH = 10_000


def index(value: Json, key: Json) -> Json:
    """`value[key]`; what is not there is null."""
    key_type = type(key)
    if key_type is str:
        if type(value) is dict:
            return value.get(key)
        if value is None:
            return None
    elif key_type is int or key_type is float:
        if type(value) is list:
            position = int(key)
            return value[position] if -len(value) <= position < len(value) else None
        if value is None:
            return None
    elif key_type is dict:
        if value is None or type(value) is list or type(value) is str:
            return cut(value, *ends(key))
    elif key_type is list and type(value) is list:
        return occurrences(value, key)
    raise Raised(f"Cannot index {kind(value)} with {kind(key)} ({brief(key)})")


def index_or_nothing(value: Json, key: Json) -> Sequence[Json]:
    """`value[key]?`"""
    try:
        return (index(value, key),)
    except Raised:
        return ()


def occurrences(value: list[Json], wanted: list[Json]) -> list[Json]:
    """Where the array `wanted` occurs in `value`."""
    size = len(wanted)
    if not size:
        return []
    last = len(value) - size
    return [at for at in range(last + 1) if all(map(equal, value[at : at + size], wanted))]


def ends(key: dict[str, Json]) -> tuple[Json, Json]:
    """The start and end of a slice written as an object; it must have both (what is missing is as wrong as false)."""
    return key.get("start", False), key.get("end", False)


def bounds(value: Json, start: Json, end: Json) -> tuple[int, int]:
    """A slice of an array or string as positions: starts round down, ends round up, both are kept inside."""
    size = len(value)
    if type(start) not in (int, float, type(None)) or type(end) not in (int, float, type(None)):
        raise Raised("Array/string slice indices must be integers")
    low, high = 0 if start is None else start, size if end is None else end
    low = min(max(low + size if low < 0 else low, 0), size)
    high = high + size if high < 0 else high
    first = int(low)
    last = min(first if high < 0 else -int(-high // 1), size)
    return first, max(first, last)


def cut(value: Json, start: Json, end: Json) -> Json:
    """`value[start:end]`"""
    if value is None:
        return None
    if type(value) is not list and type(value) is not str:
        return index(value, {"start": start, "end": end})
    first, last = bounds(value, start, end)
    return value[first:last]


def iterate(value: Json) -> Iterable[Json]:
    """`value[]`"""
    if type(value) is list:
        return value
    if type(value) is dict:
        return value.values()
    raise Raised(f"Cannot iterate over {kind(value)} ({brief(value)})")


def iterate_if_possible(value: Json) -> Iterable[Json]:
    """`value[]?`"""
    if type(value) is list:
        return value
    return value.values() if type(value) is dict else ()


def get_path(value: Json, path: Json) -> Json:
    if type(path) not in (list, tuple):
        raise Raised("Path must be specified as an array")
    if len(path) > DEEPEST_PATH:
        raise Raised("Path too deep")
    for key in path:
        value = index(value, key)
    return value


def set_path(value: Json, path: Json, new: Json) -> Json:
    """A copy of `value` with `new` at `path`."""
    if type(path) not in (list, tuple):
        raise Raised("Path must be specified as an array")
    if len(path) > DEEPEST_PATH:
        raise Raised("Path too deep")
    return _set_below(value, path, 0, new)


def _set_below(value: Json, path: Sequence[Json], depth: int, new: Json) -> Json:
    if depth == len(path):
        return new
    key = path[depth]
    key_type = type(key)
    if key_type is str and type(value) is dict:
        return {**value, key: _set_below(value.get(key), path, depth + 1, new)}
    inner = index(value, key)
    if key_type is str and value is None:
        return {key: _set_below(None, path, depth + 1, new)}
    if (key_type is int or key_type is float) and (value is None or type(value) is list):
        changed, position = _with_room(value or [], key)
        changed[position] = _set_below(inner, path, depth + 1, new)
        return changed
    if key_type is dict:
        return _set_slice(value, key, _set_below(inner, path, depth + 1, new))
    raise Raised(f"Cannot update field at {kind(key)} index of {kind(value)}")


def _with_room(value: list[Json], key: float) -> tuple[list[Json], int]:
    """A copy of the array that has the position, and the position counted from the start."""
    position = min(max(int(key), -_LARGEST_INT), _LARGEST_INT)
    if position < 0:
        position += len(value)
    if position < 0:
        raise Raised("Out of bounds negative array index")
    gap = position + 1 - len(value)
    if gap > LARGEST_GAP or position > _LARGEST_INT >> 2:
        raise Raised("Array index too large")
    return (value + [None] * gap if gap > 0 else value.copy()), position


def _set_slice(value: Json, key: dict[str, Json], new: Json) -> Json:
    if type(value) is str:
        raise Raised("Cannot update string slices")
    first, last = bounds(value or [], *ends(key))
    if type(new) is not list:
        raise Raised("A slice of an array can only be assigned another array")
    return [*(value or [])[:first], *new, *(value or [])[last:]]


def delete_paths(value: Json, paths: Json) -> Json:
    """A copy of `value` without what is at the paths."""
    if type(paths) is not list:
        raise Raised("Paths must be specified as an array")
    ordered = sorted(paths, key=order_key)
    for path in ordered:
        if type(path) is not list:
            raise Raised(f"Path must be specified as array, not {kind(path)}")
        if len(path) > DEEPEST_PATH:
            raise Raised("Path too deep")
    if not ordered:
        return value
    return _delete_below(value, ordered, 0) if ordered[0] else None


def _delete_below(value: Json, paths: list[list[Json]], depth: int) -> Json:
    """`paths` are sorted, longer than `depth`, and the same up to it."""
    doomed: list[Json] = []
    first = 0
    while first < len(paths):
        key = paths[first][depth]
        last = first + 1
        while last < len(paths) and equal(key, paths[last][depth]):
            last += 1
        if len(paths[first]) == depth + 1:
            doomed.append(key)
        elif (inner := index(value, key)) is not None:
            value = _set_below(value, [key], 0, _delete_below(inner, paths[first:last], depth + 1))
        first = last
    return _without(value, doomed)


def _without(value: Json, keys: list[Json]) -> Json:
    if value is None or not keys:
        return value
    if type(value) is dict:
        for key in keys:
            if type(key) is not str:
                raise Raised(f"Cannot delete {kind(key)} field of object")
        names = set(keys)
        return {key: item for key, item in value.items() if key not in names}
    if type(value) is not list:
        raise Raised(f"Cannot delete fields from {kind(value)}")
    gone: set[int] = set()
    for key in keys:
        if type(key) is dict:
            gone.update(range(*bounds(value, *ends(key))))
        elif type(key) is int or type(key) is float:
            gone.add(int(key) + len(value) if key < 0 else int(key))
        else:
            raise Raised(f"Cannot delete {kind(key)} element of array")
    return [item for position, item in enumerate(value) if position not in gone]


def check_work(count: int) -> None:
    """Copying at every step is fine for a while; a long run is left to the library, which changes in place."""
    if count > LONGEST_RUN:
        raise Beyond
