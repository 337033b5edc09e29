"""The table of jq functions that closures cover, by name and number of arguments.

A function that is not here, here under conditions it does not meet (`Outside`), or given values it does not know
(`Beyond`), is the library's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from flowrt.core.expression import Json, Lookup
from flowrt.expressions.jq import access, containers, operators, texts, updates
from flowrt.expressions.jq import syntax as ast
from flowrt.expressions.jq.code import Code, Many, Several, Single, applied, combined, each, gathered, piped
from flowrt.expressions.jq.operators import truth
from flowrt.expressions.jq.scope import Scope
from flowrt.expressions.jq.values import Beyond, Raised, dump, equal, kind, text

Build = Callable[[Scope, tuple[ast.Node, ...]], Code]


def _raise(value: Json) -> Json:
    raise Raised(value)


OF_INPUT: dict[str, Callable[[Json], Json]] = {
    "abs": containers.absolute,
    "add": lambda data: containers.total(access.iterate(data)),
    "all": lambda data: all(map(truth, access.iterate(data))),
    "any": lambda data: any(map(truth, access.iterate(data))),
    "ascii_downcase": texts.downcase,
    "ascii_upcase": texts.upcase,
    "ceil": containers.ceil,
    "error": _raise,
    "explode": texts.explode,
    "fabs": containers.magnitude,
    "first": lambda data: access.index(data, 0),
    "flatten": containers.flatten_all,
    "floor": containers.floor,
    "from_entries": containers.from_entries,
    "fromjson": texts.from_json,
    "implode": texts.implode,
    "isinfinite": lambda _: False,
    "isnan": lambda _: False,
    "keys": containers.keys,
    "keys_unsorted": containers.unsorted_keys,
    "last": lambda data: access.index(data, -1),
    "length": containers.length,
    "ltrim": texts.trim_left,
    "max": lambda data: containers.greatest(data, data),
    "min": lambda data: containers.least(data, data),
    "not": lambda data: data is None or data is False,
    "reverse": containers.reverse,
    "round": containers.rounded,
    "rtrim": texts.trim_right,
    "sort": containers.sort,
    "sqrt": containers.square_root,
    "to_entries": containers.to_entries,
    "toboolean": texts.to_boolean,
    "tojson": dump,
    "tonumber": texts.to_number,
    "tostring": text,
    "trim": texts.trim,
    "type": kind,
    "unique": containers.unique,
}

OF_ARGUMENT: dict[str, Callable[[Json, Json], Json]] = {
    "contains": containers.contains,
    "delpaths": access.delete_paths,
    "endswith": texts.ends_with,
    "error": lambda _, value: _raise(value),
    "flatten": containers.flatten,
    "getpath": access.get_path,
    "has": containers.has,
    "in": lambda data, value: containers.has(value, data),
    "index": texts.first_index,
    "indices": texts.indices,
    "inside": lambda data, value: containers.contains(value, data),
    "join": lambda data, separator: texts.join([*access.iterate(data)], separator),
    "ltrimstr": texts.without_prefix,
    "nth": access.index,
    "rindex": texts.last_index,
    "rtrimstr": texts.without_suffix,
    "split": texts.split_by,
    "startswith": texts.starts_with,
    "trimstr": lambda data, value: texts.without_suffix(texts.without_prefix(data, value), value),
}


def _empty(_scope: Scope, _arguments: tuple[ast.Node, ...]) -> Code:
    return Several(lambda _data, _env: ())


def _select(scope: Scope, arguments: tuple[ast.Node, ...]) -> Code:
    condition = scope.code(arguments[0])
    if isinstance(condition, Single):
        run = condition.run
        return Several(lambda data, env: (data,) if truth(run(data, env)) else ())
    many = condition.run
    return Several(lambda data, env: (data for value in many(data, env) if truth(value)))


def _map(scope: Scope, arguments: tuple[ast.Node, ...]) -> Code:
    return Single(gathered(piped(Several(lambda data, _: access.iterate(data)), scope.code(arguments[0]))))


def _by(function: Callable[[Json, list[Json]], Json]) -> Build:
    """A function of the input and, for each of its items, the array of what the argument gives."""

    def build(scope: Scope, arguments: tuple[ast.Node, ...]) -> Code:
        gather = gathered(scope.code(arguments[0]))
        return Single(lambda data, env: function(data, [gather(item, env) for item in access.iterate(data)]))

    return build


def _quantified(decisive: bool) -> Build:
    """`any` and `all` over a generator (the input's items if none is given): the first decisive value ends it."""

    def build(scope: Scope, arguments: tuple[ast.Node, ...]) -> Code:
        source: Code = Several(lambda data, _: access.iterate(data))
        if len(arguments) == 2:
            source = scope.code(arguments[0])
        many = each(piped(source, scope.code(arguments[-1])))
        if decisive:
            return Single(lambda data, env: any(map(truth, many(data, env))))
        return Single(lambda data, env: all(map(truth, many(data, env))))

    return build


def _first(scope: Scope, arguments: tuple[ast.Node, ...]) -> Code:
    many = each(scope.code(arguments[0]))
    return Several(lambda data, env: islice(many(data, env), 1))


def _last(scope: Scope, arguments: tuple[ast.Node, ...]) -> Code:
    gather = gathered(scope.code(arguments[0]))
    return Several(lambda data, env: gather(data, env)[-1:])


def _is_empty(scope: Scope, arguments: tuple[ast.Node, ...]) -> Code:
    many = each(scope.code(arguments[0]))
    return Single(lambda data, env: not any(True for _ in many(data, env)))


def _count(value: Json, problem: str) -> int:
    if type(value) is not int:
        raise Beyond
    if value < 0:
        raise Raised(problem)
    return int(value)


def _limit(scope: Scope, arguments: tuple[ast.Node, ...]) -> Code:
    counts, many = each(scope.code(arguments[0])), each(scope.code(arguments[1]))

    def limited(data: Json, env: Lookup) -> Iterator[Json]:
        for value in counts(data, env):
            left = _count(value, "limit doesn't support negative count")
            if left:
                for item in many(data, env):
                    yield item
                    left -= 1
                    if not left:
                        break

    return Several(limited)


def _nth(scope: Scope, arguments: tuple[ast.Node, ...]) -> Code:
    counts, many = each(scope.code(arguments[0])), each(scope.code(arguments[1]))

    def nth(data: Json, env: Lookup) -> Iterator[Json]:
        for value in counts(data, env):
            wanted = _count(value, "nth doesn't support negative indices")
            for at, item in enumerate(many(data, env)):
                if at == wanted:
                    yield item
                    break

    return Several(nth)


def _total(scope: Scope, arguments: tuple[ast.Node, ...]) -> Code:
    many = each(scope.code(arguments[0]))
    return Single(lambda data, env: containers.total(many(data, env)))


def _counted(start: Json, end: Json) -> Iterator[Json]:
    if type(start) is int and type(end) is int:
        yield from range(start, end)
        return
    while start < end:
        yield start
        start = operators.add(start, 1)


def _range(scope: Scope, arguments: tuple[ast.Node, ...]) -> Code:
    starts: Many = each(scope.code(arguments[0])) if len(arguments) == 2 else lambda _data, _env: (0,)
    ends = each(scope.code(arguments[-1]))

    def numbers(data: Json, env: Lookup) -> Iterator[Json]:
        for start in starts(data, env):
            for end in ends(data, env):
                if type(start) not in (int, float) or type(end) not in (int, float):
                    raise Raised("Range bounds must be numeric")
                yield from _counted(start, end)

    return Several(numbers)


def _with_entries(scope: Scope, arguments: tuple[ast.Node, ...]) -> Code:
    gather = gathered(scope.code(arguments[0]))

    def changed(data: Json, env: Lookup) -> Json:
        return containers.from_entries([entry for item in containers.to_entries(data) for entry in gather(item, env)])

    return Single(changed)


def _walk(scope: Scope, arguments: tuple[ast.Node, ...]) -> Code:
    inner = scope.code(arguments[0])
    many, gather = each(inner), gathered(inner)

    def below(data: Json, env: Lookup) -> Json:
        if type(data) is list:
            return [result for item in data for result in gather(below(item, env), env)]
        if type(data) is dict:
            return {key: result for key, item in data.items() for result in islice(many(below(item, env), env), 1)}
        return data

    return piped(Single(below), inner)


def _member(scope: Scope, arguments: tuple[ast.Node, ...]) -> Code:
    """`IN(s)`: is the input among the values of s?"""
    many = each(scope.code(arguments[0]))
    return Single(lambda data, env: any(equal(value, data) for value in many(data, env)))


def _set_path(scope: Scope, arguments: tuple[ast.Node, ...]) -> Code:
    paths, values = scope.code(arguments[0]), scope.code(arguments[1])
    pairs = combined(lambda path, value: (path, value), paths, values)
    return applied(lambda data, pair: access.set_path(data, *pair), pairs)


CLOSURES: dict[tuple[str, int], Build] = {
    ("IN", 1): _member,
    ("add", 1): _total,
    ("all", 1): _quantified(False),
    ("all", 2): _quantified(False),
    ("any", 1): _quantified(True),
    ("any", 2): _quantified(True),
    ("del", 1): updates.delete,
    ("empty", 0): _empty,
    ("first", 1): _first,
    ("group_by", 1): _by(containers.group_by),
    ("isempty", 1): _is_empty,
    ("last", 1): _last,
    ("limit", 2): _limit,
    ("map", 1): _map,
    ("map_values", 1): updates.map_values,
    ("max_by", 1): _by(containers.greatest),
    ("min_by", 1): _by(containers.least),
    ("nth", 2): _nth,
    ("path", 1): updates.path,
    ("paths", 0): updates.paths,
    ("paths", 1): updates.paths,
    ("range", 1): _range,
    ("range", 2): _range,
    ("recurse", 0): updates.recurse,
    ("select", 1): _select,
    ("setpath", 2): _set_path,
    ("sort_by", 1): _by(containers.sort_by),
    ("unique_by", 1): _by(containers.unique_by),
    ("walk", 1): _walk,
    ("with_entries", 1): _with_entries,
}
