"""Assignments, and the functions that work on paths: `path`, `paths`, `del`, `map_values`, `recurse`.

The paths of an update are those of the input as it was; each is then written in turn. An update without a result
removes what it was to replace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from flowrt.core.expression import Json, Lookup
from flowrt.expressions.jq import access
from flowrt.expressions.jq import syntax as ast
from flowrt.expressions.jq.code import Code, Many, One, Several, Single, each
from flowrt.expressions.jq.operators import OPERATORS, truth
from flowrt.expressions.jq.paths import constant
from flowrt.expressions.jq.scope import Paths, Scope

ROOT: tuple[Json, ...] = ()
Combine = Callable[[Json, Json], Json]
"""From the old value and the operand to the new value."""


def assign(node: ast.Assign, scope: Scope) -> Code:
    if node.operator == "|=":
        return _modify(node.target, scope.code(node.value), scope)
    path, value = constant(node.target), scope.code(node.value)
    combine = _combination(node.operator)
    if path is not None and isinstance(value, Single):
        return _combine_at(path, value.run, combine)
    paths, values = scope.paths(node.target), each(value)

    def results(data: Json, env: Lookup) -> Iterator[Json]:
        for operand in values(data, env):
            result = data
            for count, (place, _) in enumerate(paths(ROOT, data, env)):
                access.check_work(count)
                result = access.set_path(result, place, combine(access.get_path(result, place), operand))
            yield result

    if isinstance(value, Single):
        return Single(lambda data, env: next(results(data, env)))
    return Several(results)


def _combination(operator: str) -> Combine:
    if operator == "=":
        return lambda _, new: new
    if operator == "//=":
        return lambda old, new: old if truth(old) else new
    return OPERATORS[operator[:-1]]


def _combine_at(path: list[Json], run: One, combine: Combine) -> Code:
    def changed(data: Json, env: Lookup) -> Json:
        operand = run(data, env)
        return access.set_path(data, path, combine(access.get_path(data, path), operand))

    return Single(changed)


def _modify(target: ast.Node, update: Code, scope: Scope) -> Code:
    path = constant(target)
    if path is not None and isinstance(update, Single):
        run = update.run
        return Single(lambda data, env: access.set_path(data, path, run(access.get_path(data, path), env)))
    if isinstance(target, ast.Iterate) and isinstance(target.target, ast.Identity) and isinstance(update, Single):
        return Single(_each_replaced(update.run, target.optional))
    return Single(_replaced(scope.paths(target), each(update)))


def _each_replaced(run: One, optional: bool) -> One:
    """`.[] |= f` in one pass."""
    items: Callable[[Json], Iterable[Json]] = access.iterate_if_possible if optional else access.iterate

    def changed(data: Json, env: Lookup) -> Json:
        if type(data) is dict:
            return {key: run(item, env) for key, item in data.items()}
        replaced = [run(item, env) for item in items(data)]
        return replaced if type(data) is list else data

    return changed


def _replaced(paths: Paths, update: Many) -> One:
    def changed(data: Json, env: Lookup) -> Json:
        result, emptied = data, []
        for count, (place, _) in enumerate(paths(ROOT, data, env)):
            access.check_work(count)
            for new in islice(update(access.get_path(result, place), env), 1):
                result = access.set_path(result, place, new)
                break
            else:
                emptied.append(list(place))
        return access.delete_paths(result, emptied)

    return changed


def map_values(scope: Scope, arguments: tuple[ast.Node, ...]) -> Code:
    return _modify(ast.Iterate(ast.Identity()), scope.code(arguments[0]), scope)


def path(scope: Scope, arguments: tuple[ast.Node, ...]) -> Code:
    places = scope.paths(arguments[0])
    return Several(lambda data, env: (list(place) for place, _ in places(ROOT, data, env)))


def paths(scope: Scope, arguments: tuple[ast.Node, ...]) -> Code:
    """All paths but the root's, of the values that the filter (if one is given) keeps."""
    node: ast.Node = ast.RecurseAll()
    if arguments:
        node = ast.Pipe(node, ast.Call("select", arguments))
    places = scope.paths(node)
    return Several(lambda data, env: (list(place) for place, _ in places(ROOT, data, env) if place))


def delete(scope: Scope, arguments: tuple[ast.Node, ...]) -> Code:
    places = scope.paths(arguments[0])
    return Single(lambda data, env: access.delete_paths(data, [list(place) for place, _ in places(ROOT, data, env)]))


def recurse(_scope: Scope, _arguments: tuple[ast.Node, ...]) -> Code:
    return Several(lambda data, _: everything(data))


def everything(data: Json) -> Iterator[Json]:
    """`..`: the value and all below it, each before what is in it."""
    yield data
    if type(data) is dict:
        for item in data.values():
            yield from everything(item)
    elif type(data) is list:
        for item in data:
            yield from everything(item)
