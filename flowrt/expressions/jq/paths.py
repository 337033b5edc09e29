"""Path expressions: the same nodes, compiled to give where their results stand in the input.

Only what jq can follow has a path; a path expression that ends anywhere else is the library's to refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from flowrt.core.expression import Json, Lookup
from flowrt.expressions.jq import access, bindings
from flowrt.expressions.jq import syntax as ast
from flowrt.expressions.jq.code import Outside, each
from flowrt.expressions.jq.operators import truth
from flowrt.expressions.jq.scope import Path, Paths, Scope
from flowrt.expressions.jq.values import Raised

Place = tuple[Path, Json]
SELECTIONS: dict[str, Callable[[Json], bool]] = {
    "arrays": lambda data: type(data) is list,
    "booleans": lambda data: type(data) is bool,
    "iterables": lambda data: type(data) in (list, dict),
    "nulls": lambda data: data is None,
    "numbers": lambda data: type(data) in (int, float),
    "objects": lambda data: type(data) is dict,
    "scalars": lambda data: type(data) not in (list, dict),
    "strings": lambda data: type(data) is str,
    "values": lambda data: data is not None,
}


def constant(node: ast.Node) -> list[Json] | None:
    """The one path of `.a.b[0]` and the like, if it is one."""
    if isinstance(node, ast.Identity):
        return []
    if isinstance(node, ast.Index) and isinstance(node.key, ast.Literal) and not node.optional:
        path = constant(node.target)
        return None if path is None or type(node.key.value) not in (str, int) else [*path, node.key.value]
    return None


def compile_paths(node: ast.Node, scope: Scope) -> Paths:
    build = _NODES.get(type(node))
    if build is None:
        raise Outside(type(node).__name__)
    return build(node, scope)


def _identity(_node: ast.Identity, _scope: Scope) -> Paths:
    return lambda path, data, _: ((path, data),)


def _index(node: ast.Index, scope: Scope) -> Paths:
    target, keys, optional = scope.paths(node.target), each(scope.code(node.key)), node.optional

    def places(path: Path, data: Json, env: Lookup) -> Iterator[Place]:
        for key in keys(data, env):
            for place, value in target(path, data, env):
                if optional:
                    yield from (((*place, key), item) for item in access.index_or_nothing(value, key))
                else:
                    yield (*place, key), access.index(value, key)

    return places


def _slice(node: ast.Slice, scope: Scope) -> Paths:
    start, end = node.start or ast.Literal(None), node.end or ast.Literal(None)
    key = ast.Object(((ast.Literal("start"), start), (ast.Literal("end"), end)))
    return _index(ast.Index(node.target, key, node.optional), scope)


def _iterate(node: ast.Iterate, scope: Scope) -> Paths:
    target = scope.paths(node.target)
    items = access.iterate_if_possible if node.optional else access.iterate

    def places(path: Path, data: Json, env: Lookup) -> Iterator[Place]:
        for place, value in target(path, data, env):
            keys: Iterable[Json] = value if type(value) is dict else range(len(value) if type(value) is list else 0)
            for key, item in zip(keys, items(value), strict=True):
                yield (*place, key), item

    return places


def _everything(path: Path, data: Json) -> Iterator[Place]:
    yield path, data
    if type(data) is dict:
        for key, item in data.items():
            yield from _everything((*path, key), item)
    elif type(data) is list:
        for position, item in enumerate(data):
            yield from _everything((*path, position), item)


def _recurse(_node: ast.RecurseAll, _scope: Scope) -> Paths:
    return lambda path, data, _: _everything(path, data)


def _pipe(node: ast.Pipe, scope: Scope) -> Paths:
    left, right = scope.paths(node.left), scope.paths(node.right)
    return lambda path, data, env: (
        inner for place, value in left(path, data, env) for inner in right(place, value, env)
    )


def _comma(node: ast.Comma, scope: Scope) -> Paths:
    left, right = scope.paths(node.left), scope.paths(node.right)

    def places(path: Path, data: Json, env: Lookup) -> Iterator[Place]:
        yield from left(path, data, env)
        yield from right(path, data, env)

    return places


def _if(node: ast.If, scope: Scope) -> Paths:
    conditions, then = each(scope.code(node.condition)), scope.paths(node.then)
    otherwise = scope.paths(node.otherwise or ast.Identity())

    def places(path: Path, data: Json, env: Lookup) -> Iterator[Place]:
        for value in conditions(data, env):
            yield from (then if truth(value) else otherwise)(path, data, env)

    return places


def _alternative(node: ast.Alternative, scope: Scope) -> Paths:
    left, right = scope.paths(node.left), scope.paths(node.right)

    def places(path: Path, data: Json, env: Lookup) -> Iterator[Place]:
        found = False
        for place in left(path, data, env):
            if truth(place[1]):
                found = True
                yield place
        if not found:
            yield from right(path, data, env)

    return places


def _try(node: ast.Try, scope: Scope) -> Paths:
    if node.handler is not None:
        raise Outside("try … catch in a path")
    body = scope.paths(node.body)

    def places(path: Path, data: Json, env: Lookup) -> Iterator[Place]:
        try:
            yield from body(path, data, env)
        except Raised:
            return

    return places


def _bind(node: ast.Bind, scope: Scope) -> Paths:
    if not isinstance(node.patterns[0], ast.VariablePattern):
        raise Outside("a pattern in a path, whose own steps jq takes for steps of the path")
    inside, extended = bindings.pattern(node.patterns, scope)
    source, body = each(scope.code(node.source)), inside.paths(node.body)
    return lambda path, data, env: (
        place for value in source(data, env) for place in body(path, data, extended(env, value))
    )


def _define(node: ast.Define, scope: Scope) -> Paths:
    return scope.define(node.definition).paths(node.rest)


def _call(node: ast.Call, scope: Scope) -> Paths:
    closure = scope.function(node)
    if closure is not None:
        inside, values = scope.enter(closure, node)
        if values:
            raise Outside("a function of values in a path")
        return inside.paths(closure.body)
    build = _CALLS.get((node.name, len(node.arguments)))
    if build is not None:
        return build(node, scope)
    if node.name in SELECTIONS and not node.arguments:
        keep = SELECTIONS[node.name]
        return lambda path, data, _: ((path, data),) if keep(data) else ()
    raise Outside(node.name)


def _empty(_node: ast.Call, _scope: Scope) -> Paths:
    return lambda *_: ()


def _error(node: ast.Call, scope: Scope) -> Paths:
    values = each(scope.code(ast.Call("error", node.arguments)))
    return lambda path, data, env: ((path, value) for value in values(data, env))


def _select(node: ast.Call, scope: Scope) -> Paths:
    conditions = each(scope.code(node.arguments[0]))
    return lambda path, data, env: ((path, data) for value in conditions(data, env) if truth(value))


def _first(node: ast.Call, scope: Scope) -> Paths:
    places = scope.paths(node.arguments[0])
    return lambda path, data, env: islice(places(path, data, env), 1)


def _end(position: int) -> Callable[[ast.Call, Scope], Paths]:
    return lambda _, scope: scope.paths(ast.Index(ast.Identity(), ast.Literal(position)))


def _get_path(node: ast.Call, scope: Scope) -> Paths:
    paths = each(scope.code(node.arguments[0]))
    return lambda path, data, env: ((path + tuple(more), access.get_path(data, more)) for more in paths(data, env))


_CALLS: dict[tuple[str, int], Callable[[ast.Call, Scope], Paths]] = {
    ("empty", 0): _empty,
    ("error", 0): _error,
    ("error", 1): _error,
    ("first", 0): _end(0),
    ("first", 1): _first,
    ("getpath", 1): _get_path,
    ("last", 0): _end(-1),
    ("recurse", 0): lambda _, scope: _recurse(ast.RecurseAll(), scope),
    ("select", 1): _select,
}

_NODES: dict[type[ast.Node], Callable[..., Paths]] = {
    ast.Identity: _identity,
    ast.RecurseAll: _recurse,
    ast.Index: _index,
    ast.Slice: _slice,
    ast.Iterate: _iterate,
    ast.Pipe: _pipe,
    ast.Comma: _comma,
    ast.If: _if,
    ast.Alternative: _alternative,
    ast.Try: _try,
    ast.Bind: _bind,
    ast.Define: _define,
    ast.Call: _call,
}
