"""Arithmetic, comparison and logic: what they mean for every pair of kinds, and their closures.

Texts and arrays made here are bounded by `LONGEST_TEXT` and `LONGEST_ARRAY`: longer ones are an error, so that neither
a repetition nor a doubling in a loop can take the memory of the server.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator

from flowrt.core.expression import Json, Lookup
from flowrt.expressions.jq import syntax as ast
from flowrt.expressions.jq.code import Code, One, Several, Single, combined, each
from flowrt.expressions.jq.values import EXACT, Beyond, Raised, equal, fault, fault_of_two, less, number

LONGEST_TEXT = 10_000_000
LONGEST_ARRAY = 5_000_000
_ROOT = 2**26
"""Products of ints within this bound are exact."""
_NUMBERS = (int, float)

Function = Callable[[Json, Json], Json]


def add(left: Json, right: Json) -> Json:
    left_type, right_type = type(left), type(right)
    if left_type is int and right_type is int and -EXACT < left < EXACT and -EXACT < right < EXACT:
        return left + right
    if left_type in _NUMBERS and right_type in _NUMBERS:
        return _computed(operator.add, left, right)
    if left is None:
        return right
    if right is None:
        return left
    if left_type is not right_type or left_type is bool:
        raise fault_of_two(left, right, "cannot be added")
    if left_type is dict:
        return {**left, **right}
    if len(left) + len(right) > (LONGEST_TEXT if left_type is str else LONGEST_ARRAY):
        raise Raised("String too long" if left_type is str else "Array too long")
    return left + right


def subtract(left: Json, right: Json) -> Json:
    left_type, right_type = type(left), type(right)
    if left_type in _NUMBERS and right_type in _NUMBERS:
        return _computed(operator.sub, left, right)
    if left_type is not list or right_type is not list:
        raise fault_of_two(left, right, "cannot be subtracted")
    return [item for item in left if not any(equal(item, other) for other in right)]


def multiply(left: Json, right: Json) -> Json:
    left_type, right_type = type(left), type(right)
    if left_type is int and right_type is int and 0 <= left < _ROOT and 0 <= right < _ROOT:
        return left * right
    if left_type in _NUMBERS and right_type in _NUMBERS:
        product = _computed(operator.mul, left, right)
        if product == 0 and (left < 0 or right < 0):
            raise Beyond
        return product
    if left_type is str and right_type in _NUMBERS:
        return _repeat(left, right)
    if right_type is str and left_type in _NUMBERS:
        return _repeat(right, left)
    if left_type is not dict or right_type is not dict:
        raise fault_of_two(left, right, "cannot be multiplied")
    return _merge(left, right)


def _repeat(text: str, times: float) -> str | None:
    if times < 0:
        return None
    if len(text) * times > LONGEST_TEXT:
        raise Raised("Repeat string result too long")
    return text * int(times)


def _merge(left: dict[str, Json], right: dict[str, Json]) -> dict[str, Json]:
    merged = left.copy()
    for key, value in right.items():
        old = merged.get(key)
        merged[key] = _merge(old, value) if type(old) is dict and type(value) is dict else value
    return merged


def divide(left: Json, right: Json) -> Json:
    left_type, right_type = type(left), type(right)
    if left_type in _NUMBERS and right_type in _NUMBERS:
        if right == 0:
            raise fault_of_two(left, right, "cannot be divided because the divisor is zero")
        return _computed(operator.truediv, left, right)
    if left_type is not str or right_type is not str:
        raise fault_of_two(left, right, "cannot be divided")
    return split(left, right)


def split(text: str, separator: str) -> list[str]:
    if not text:
        return []
    return text.split(separator) if separator else list(text)


def modulo(left: Json, right: Json) -> Json:
    """The remainder of the whole parts, with the sign of the dividend."""
    if type(left) not in _NUMBERS or type(right) not in _NUMBERS:
        raise fault_of_two(left, right, "cannot be divided (remainder)")
    if not (-EXACT < left < EXACT and -EXACT < right < EXACT):
        raise Beyond
    dividend, divisor = int(left), int(right)
    if divisor == 0:
        raise fault_of_two(left, right, "cannot be divided (remainder) because the divisor is zero")
    remainder = abs(dividend) % abs(divisor)
    return -remainder if dividend < 0 else remainder


def _computed(function: Callable[[float, float], float], left: float, right: float) -> Json:
    if not (-EXACT < left < EXACT and -EXACT < right < EXACT):
        raise Beyond
    result = function(left, right)
    if type(result) is float:
        return number(result)
    if -EXACT < result < EXACT:
        return result
    raise Beyond


def negate(value: Json) -> Json:
    if type(value) not in _NUMBERS:
        raise fault(value, "cannot be negated")
    if not value:
        raise Beyond
    return -value


def _different(left: Json, right: Json) -> bool:
    return not equal(left, right)


def _greater(left: Json, right: Json) -> bool:
    return less(right, left)


def _at_most(left: Json, right: Json) -> bool:
    return not less(right, left)


def _at_least(left: Json, right: Json) -> bool:
    return not less(left, right)


OPERATORS: dict[str, Function] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "%": modulo,
    "==": equal,
    "!=": _different,
    "<": less,
    ">": _greater,
    "<=": _at_most,
    ">=": _at_least,
}
_NUMERIC: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


def binary(node: ast.Binary, left: Code, right: Code) -> Code:
    """The closure of an operator; the common shapes `f == literal`, `f < number` and `f + number` have their own."""
    function = OPERATORS[node.operator]
    if isinstance(left, Single) and isinstance(node.right, ast.Literal):
        return Single(_with_literal(node.operator, left.run, node.right.value))
    return combined(function, left, right)


def _with_literal(symbol: str, run: One, literal: Json) -> One:
    literal_type = type(literal)
    if symbol in ("==", "!="):
        return _equality(symbol == "==", run, literal)
    if symbol in _NUMERIC and literal_type in _NUMBERS:
        return _comparison(symbol, run, literal)
    if symbol in "+-" and literal_type is int and -EXACT < literal < EXACT:
        return _sum(symbol, run, literal)
    function = OPERATORS[symbol]
    return lambda data, env: function(run(data, env), literal)


def _equality(wanted: bool, run: One, literal: Json) -> One:
    if literal is None or literal is True or literal is False:
        if wanted:
            return lambda data, env: run(data, env) is literal
        return lambda data, env: run(data, env) is not literal
    if type(literal) is str or (type(literal) is int and literal not in (0, 1)):
        if wanted:
            return lambda data, env: run(data, env) == literal
        return lambda data, env: run(data, env) != literal
    return lambda data, env: equal(run(data, env), literal) is wanted


def _comparison(symbol: str, run: One, literal: float) -> One:
    compare, function = _NUMERIC[symbol], OPERATORS[symbol]

    def compared(data: Json, env: Lookup) -> bool:
        value = run(data, env)
        if type(value) is int or type(value) is float:
            return compare(value, literal)
        return bool(function(value, literal))

    return compared


def _sum(symbol: str, run: One, literal: int) -> One:
    function = OPERATORS[symbol]
    term = literal if symbol == "+" else -literal

    def summed(data: Json, env: Lookup) -> Json:
        value = run(data, env)
        if type(value) is int and -EXACT < value < EXACT:
            total = value + term
            if -EXACT < total < EXACT:
                return total
        return function(value, literal)

    return summed


def truth(value: Json) -> bool:
    return value is not None and value is not False


def logic(symbol: str, left: Code, right: Code) -> Code:
    """`and`, `or`: the right side is looked at only when the left one does not decide."""
    decisive = symbol == "or"
    if isinstance(left, Single) and isinstance(right, Single):
        first, second = left.run, right.run
        if decisive:
            return Single(lambda data, env: truth(first(data, env)) or truth(second(data, env)))
        return Single(lambda data, env: truth(first(data, env)) and truth(second(data, env)))
    firsts, seconds = each(left), each(right)

    def results(data: Json, env: Lookup) -> Iterator[bool]:
        for value in firsts(data, env):
            if truth(value) is decisive:
                yield decisive
            else:
                yield from map(truth, seconds(data, env))

    return Several(results)
