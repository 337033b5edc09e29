"""Closures that read: `.`, `..`, index, slice and iteration; constant paths have fast ones."""

from __future__ import annotations

from flowrt.core.expression import Json, Lookup
from flowrt.expressions.jq import access, updates
from flowrt.expressions.jq import syntax as ast
from flowrt.expressions.jq.code import Code, One, Several, Single, combined, piped
from flowrt.expressions.jq.scope import Scope
from flowrt.expressions.jq.values import Raised


def identity(_node: ast.Identity, _scope: Scope) -> Code:
    return Single(lambda data, _: data)


def recurse(_node: ast.RecurseAll, scope: Scope) -> Code:
    return updates.recurse(scope, ())


def index(node: ast.Index, scope: Scope) -> Code:
    root, path = _rooted(node)
    if path:
        return Single(_at(path)) if isinstance(root, ast.Identity) else piped(scope.code(root), Single(_at(path)))
    target, key = scope.code(node.target), scope.code(node.key)
    if node.optional:
        pairs = combined(lambda value, at: (value, at), target, key)
        return piped(pairs, Several(lambda pair, _: access.index_or_nothing(*pair)))
    return combined(access.index, target, key)


def _rooted(node: ast.Node) -> tuple[ast.Node, list[Json]]:
    """`f.a.b[0]` as f and the constant path from there."""
    if isinstance(node, ast.Index) and isinstance(node.key, ast.Literal) and not node.optional:
        root, path = _rooted(node.target)
        return root, [*path, node.key.value]
    return node, []


def field(name: str) -> One:
    def field(data: Json, _: Lookup) -> Json:
        return data.get(name) if type(data) is dict else access.index(data, name)

    return field


def _at(path: list[Json]) -> One:
    if len(path) == 1 and type(path[0]) is str:
        return field(path[0])
    if len(path) == 2 and type(path[0]) is str and type(path[1]) is str:
        first, second = path

        def inner_field(data: Json, _: Lookup) -> Json:
            inner = data.get(first) if type(data) is dict else access.index(data, first)
            return inner.get(second) if type(inner) is dict else access.index(inner, second)

        return inner_field

    def at(data: Json, _: Lookup) -> Json:
        for key in path:
            data = data.get(key) if type(data) is dict and type(key) is str else access.index(data, key)
        return data

    return at


def slice(node: ast.Slice, scope: Scope) -> Code:
    start = scope.code(node.start or ast.Literal(None))
    end = scope.code(node.end or ast.Literal(None))
    limits = combined(lambda last, first: (first, last), end, start)
    cut = combined(lambda value, limit: (value, limit), scope.code(node.target), limits)
    if node.optional:
        return piped(cut, Several(lambda pair, _: _cut_or_nothing(pair[0], *pair[1])))
    return piped(cut, Single(lambda pair, _: access.cut(pair[0], *pair[1])))


def _cut_or_nothing(value: Json, start: Json, end: Json) -> tuple[Json, ...]:
    try:
        return (access.cut(value, start, end),)
    except Raised:
        return ()


def iterate(node: ast.Iterate, scope: Scope) -> Code:
    items = access.iterate_if_possible if node.optional else access.iterate
    values = Several(lambda data, _: items(data))
    return values if isinstance(node.target, ast.Identity) else piped(scope.code(node.target), values)
