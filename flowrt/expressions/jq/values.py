"""JSON values as jq sees them: kinds, equality, total order, text, and the errors that quote them.

Values are never changed. Numbers made here are ints when whole and within `EXACT`, else finite floats; whatever would
not be (an overflow, NaN, negative zero, a number whose text jq remembers) is `Beyond` and left to the library.
"""

from __future__ import annotations

import json
from types import NoneType

from flowrt.core.expression import Json

EXACT = 2**52
"""Sums and differences of ints within this bound are exact as doubles too."""

KINDS: dict[type, str] = {
    NoneType: "null",
    bool: "boolean",
    int: "number",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}
_BRIEF_BYTES = 29
_CLOSING = {'"': '"', "[": "]", "{": "}"}
_encode = json.JSONEncoder(ensure_ascii=False).encode


class Beyond(Exception):
    """The closures may not know jq's answer to this; the library does."""


class Raised(Exception):
    """A jq error; `value` is what `catch` sees, mostly its message."""

    def __init__(self, value: Json) -> None:
        super().__init__(value)
        self.value = value


def kind(value: Json) -> str:
    return KINDS[type(value)]


def number(value: float) -> Json:
    """A computed double in the form all numbers have here."""
    if value.is_integer():
        if -EXACT < value < EXACT and (value or str(value) == "0.0"):
            return int(value)
        raise Beyond
    if value - value != 0.0:
        raise Beyond
    return value


def equal(left: Json, right: Json) -> bool:
    if left is right:
        return True
    left_type, right_type = type(left), type(right)
    if left_type is right_type:
        return bool(left == right) and (left_type not in (list, dict) or _same_kinds(left, right))
    if left_type is bool or right_type is bool:
        return False
    return bool(left == right)


def _same_kinds(left: Json, right: Json) -> bool:
    """Of two values that are equal in Python, where true is 1: are they in jq?"""
    if type(left) is list:
        return all(map(_same_kinds, left, right))
    if type(left) is dict:
        return all(_same_kinds(value, right[key]) for key, value in left.items())
    return (type(left) is bool) is (type(right) is bool)


def order_key(value: Json) -> tuple[Json, ...]:
    """A key that Python sorts as jq orders values: null, false, true, numbers, strings, arrays, objects."""
    value_type = type(value)
    if value_type is str:
        return (5, value)
    if value_type is int or value_type is float:
        return (4, value)
    if value is None:
        return (1,)
    if value_type is bool:
        return (3,) if value else (2,)
    if value_type is list:
        return (6, [order_key(item) for item in value])
    keys = sorted(value)
    return (7, keys, [order_key(value[key]) for key in keys])


def less(left: Json, right: Json) -> bool:
    left_type = type(left)
    if left_type is type(right) and (left_type is int or left_type is str or left_type is float):
        return bool(left < right)
    return order_key(left) < order_key(right)


def dump(value: Json) -> str:
    """The value as jq prints it."""
    value_type = type(value)
    if value_type is str:
        text = _encode(value)
        return text.replace("\x7f", "\\u007f") if "\x7f" in text else text
    if value_type is int:
        return str(value)
    if value_type is float:
        text = repr(value)
        if "e" in text or text.endswith(".0") or "n" in text:
            raise Beyond
        return text
    if value_type is list:
        return "[" + ",".join([dump(item) for item in value]) + "]"
    if value_type is dict:
        return "{" + ",".join([f"{dump(key)}:{dump(item)}" for key, item in value.items()]) + "}"
    if value is None:
        return "null"
    return "true" if value else "false"


def text(value: Json) -> str:
    """`tostring`"""
    return value if type(value) is str else dump(value)


def brief(value: Json) -> str:
    """The value as errors quote it: the first 29 bytes of its text."""
    if type(value) is str and len(value.encode()) > _BRIEF_BYTES + 1:
        value = value[: _BRIEF_BYTES + 1]
    whole = dump(value)
    encoded = whole.encode()
    if len(encoded) <= _BRIEF_BYTES:
        return whole
    closing = _CLOSING.get(whole[0], "")
    kept = encoded[: _BRIEF_BYTES - 3 - len(closing)].decode(errors="ignore")
    return f"{kept}...{closing}"


def fault(value: Json, problem: str) -> Raised:
    return Raised(f"{kind(value)} ({brief(value)}) {problem}")


def fault_of_two(left: Json, right: Json, problem: str) -> Raised:
    return Raised(f"{kind(left)} ({brief(left)}) and {kind(right)} ({brief(right)}) {problem}")
