"""Functions of arrays and objects (and the few of numbers) whose arguments are values."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from itertools import groupby

from flowrt.core.expression import Json
from flowrt.expressions.jq.access import index, iterate
from flowrt.expressions.jq.operators import LONGEST_TEXT, add, subtract, truth
from flowrt.expressions.jq.values import (
    EXACT,
    Beyond,
    Raised,
    brief,
    equal,
    fault,
    fault_of_two,
    kind,
    less,
    number,
    order_key,
)

_NOT_SORTABLE = "cannot be sorted, as they are not both arrays"


def length(value: Json) -> Json:
    if type(value) in (list, dict, str):
        return len(value)
    if value is None:
        return 0
    if type(value) is bool:
        raise fault(value, "has no length")
    if type(value) is float and value.is_integer():
        raise Beyond
    return abs(value)


def keys(value: Json) -> Json:
    return sorted(value) if type(value) is dict else unsorted_keys(value)


def unsorted_keys(value: Json) -> Json:
    if type(value) is dict:
        return list(value)
    if type(value) is not list:
        raise fault(value, "has no keys")
    return list(range(len(value)))


def has(value: Json, key: Json) -> bool:
    if value is None:
        return False
    if type(value) is dict and type(key) is str:
        return key in value
    if type(value) is list and type(key) in (int, float):
        return 0 <= int(key) < len(value)
    raise Raised(f"Cannot check whether {kind(value)} has a {kind(key)} key")


def contains(value: Json, part: Json) -> bool:
    if _alike(value, part):
        return _contains(value, part)
    raise fault_of_two(value, part, "cannot have their containment checked")


def _alike(left: Json, right: Json) -> bool:
    """The same kind to jq's mind: ints and floats are, true and false are not."""
    if type(left) is bool or type(right) is bool:
        return left is right
    return kind(left) == kind(right)


def _contains(value: Json, part: Json) -> bool:
    if not _alike(value, part):
        return False
    if type(value) is dict:
        return all(key in value and _contains(value[key], item) for key, item in part.items())
    if type(value) is list:
        return all(any(_contains(candidate, item) for candidate in value) for item in part)
    return part in value if type(value) is str else equal(value, part)


def total(values: Iterable[Json]) -> Json:
    """`add`: all values added up from null, in one pass for the kinds where adding one by one would copy again."""
    items = list(values)
    kinds = set(map(type, items))
    if kinds == {str}:
        if sum(map(len, items)) > LONGEST_TEXT:
            raise Raised("String too long")
        return "".join(items)
    if kinds == {list}:
        return [element for item in items for element in item]
    if kinds == {dict}:
        return {key: element for item in items for key, element in item.items()}
    if kinds == {int} and sum(map(abs, items)) < EXACT:
        return sum(items)
    result: Json = None
    for item in items:
        result = add(result, item)
    return result


def flatten(value: Json, depth: Json) -> Json:
    if type(depth) is not int:
        raise Beyond
    if depth < 0:
        raise Raised("flatten depth must not be negative")
    return _flattened(iterate(value), depth)


def flatten_all(value: Json) -> Json:
    return _flattened(iterate(value), -1)


def _flattened(values: Iterable[Json], depth: int) -> list[Json]:
    flat: list[Json] = []
    for item in values:
        if type(item) is list and depth != 0:
            flat.extend(_flattened(item, depth - 1))
        else:
            flat.append(item)
    return flat


def reverse(value: Json) -> Json:
    if type(value) is list:
        return value[::-1]
    size = length(value)
    return [] if size <= 0 else index(value, subtract(size, 1))


def to_entries(value: Json) -> Json:
    if type(value) is dict:
        return [{"key": key, "value": item} for key, item in value.items()]
    return [{"key": position, "value": value[position]} for position in unsorted_keys(value)]


def from_entries(value: Json) -> Json:
    result: dict[str, Json] = {}
    for entry in iterate(value):
        key = index(entry, "key")
        for name in ("Key", "name", "Name"):
            key = key if truth(key) else index(entry, name)
        item = index(entry, "value" if has(entry, "value") else "Value")
        if type(key) is not str:
            raise bad_key(key)
        result[key] = item
    return result


def bad_key(key: Json) -> Raised:
    return Raised(f"Cannot use {kind(key)} ({brief(key)}) as object key")


def sort(value: Json) -> Json:
    if type(value) is not list:
        raise fault(value, "cannot be sorted, as it is not an array")
    return sorted(value) if set(map(type, value)) in ({int}, {str}) else sorted(value, key=order_key)


def unique(value: Json) -> Json:
    ordered = sort(value)
    return [item for at, item in enumerate(ordered) if at == 0 or not equal(ordered[at - 1], item)]


def sort_by(value: Json, by: list[Json]) -> Json:
    return [item for _, item in _ordered(value, by)]


def group_by(value: Json, by: list[Json]) -> Json:
    return [[item for _, item in group] for _, group in groupby(_ordered(value, by), key=lambda pair: pair[0])]


def unique_by(value: Json, by: list[Json]) -> Json:
    return [group[0] for group in group_by(value, by)]


def _ordered(value: Json, by: list[Json]) -> list[tuple[Json, Json]]:
    if type(value) is not list:
        raise fault_of_two(value, by, _NOT_SORTABLE)
    return sorted(zip(map(order_key, by), value, strict=True), key=lambda pair: pair[0])


def least(value: Json, by: Json) -> Json:
    """The first of the smallest."""
    return _extreme(value, by, less)


def greatest(value: Json, by: Json) -> Json:
    """The last of the largest."""
    return _extreme(value, by, lambda item, best: not less(item, best))


def _extreme(value: Json, by: Json, better: Callable[[Json, Json], bool]) -> Json:
    if type(value) is not list:
        raise fault_of_two(value, by, "cannot be iterated over")
    if not value:
        return None
    best = 0
    for at in range(1, len(value)):
        if better(by[at], by[best]):
            best = at
    return value[best]


def absolute(value: Json) -> Json:
    """`abs`: negative numbers negated; whatever is not less than 0 stays, strings too."""
    if type(value) in (int, float):
        return number(abs(value)) if type(value) is float else abs(value)
    if less(value, 0):
        raise fault(value, "cannot be negated")
    return value


def _numeric(function: Callable[[float], float]) -> Callable[[Json], Json]:
    def checked(value: Json) -> Json:
        if type(value) not in (int, float):
            raise fault(value, "number required")
        if not -EXACT < value < EXACT:
            raise Beyond
        return number(float(function(value)))

    return checked


def _round(value: float) -> float:
    """Halves go away from zero."""
    whole = math.floor(abs(value))
    return math.copysign(whole + (abs(value) - whole >= 0.5), value)


def _ceil(value: float) -> float:
    return math.copysign(math.ceil(value), value)


def _square_root(value: float) -> float:
    return math.sqrt(value) if value >= 0 else math.nan


floor = _numeric(math.floor)
ceil = _numeric(_ceil)
rounded = _numeric(_round)
square_root = _numeric(_square_root)
magnitude = _numeric(abs)
