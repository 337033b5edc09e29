"""Variables: reading them, binding them by patterns, and the loops that bind them again and again."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from flowrt.core.expression import Json, Lookup
from flowrt.expressions.jq import syntax as ast
from flowrt.expressions.jq.access import check_work, index
from flowrt.expressions.jq.code import Code, Outside, Several, Single, each, extend, gathered
from flowrt.expressions.jq.names import bound_variables
from flowrt.expressions.jq.scope import Scope

Extend = Callable[[Lookup, Json], Lookup]
"""The environment with the variables of a pattern, taken from the value."""


def variable(node: ast.Variable, scope: Scope) -> Code:
    key = scope.key(node.name)
    return Single(lambda _, env: env(key))


def extension(key: str) -> Extend:
    return lambda env, value: extend(env, key, value)


def pattern(patterns: tuple[ast.Pattern, ...], scope: Scope) -> tuple[Scope, Extend]:
    """The scope inside a binding and how its environment is made; only patterns of constant keys are covered."""
    names = bound_variables(patterns)
    if len(patterns) != 1 or len(set(names)) != len(names):
        raise Outside("pattern")
    inside = scope
    for name in names:
        inside = inside.bind(name)
    if isinstance(patterns[0], ast.VariablePattern):
        return inside, extension(inside.key(names[0]))
    places = [(inside.key(name), path) for name, path in _places(patterns[0], ())]
    return inside, lambda env, value: _extend_all(env, value, places)


def _places(node: ast.Pattern, path: tuple[Json, ...]) -> Iterator[tuple[str, tuple[Json, ...]]]:
    """Each variable with its path, in the order in which jq reads them: arrays from their end."""
    if isinstance(node, ast.VariablePattern):
        yield node.name, path
    elif isinstance(node, ast.ArrayPattern):
        for position, item in reversed(list(enumerate(node.items))):
            yield from _places(item, (*path, position))
    elif isinstance(node, ast.ObjectPattern):
        for key, name, inner in node.entries:
            if not isinstance(key, ast.Literal) or type(key.value) is not str:
                raise Outside("pattern")
            if name is not None:
                yield name, (*path, key.value)
            if inner is not None:
                yield from _places(inner, (*path, key.value))


def _extend_all(env: Lookup, value: Json, places: list[tuple[str, tuple[Json, ...]]]) -> Lookup:
    values: dict[str, Json] = {}
    for key, path in places:
        part = value
        for step in path:
            part = index(part, step)
        values[key] = part
    return lambda name: values[name] if name in values else env(name)


def bound(source: Code, extended: Extend, body: Code) -> Code:
    """`source as pattern | body`"""
    if isinstance(source, Single):
        run = source.run
        if isinstance(body, Single):
            inner = body.run
            return Single(lambda data, env: inner(data, extended(env, run(data, env))))
        inside, gather = body.run, gathered(body)
        return Several(
            lambda data, env: inside(data, extended(env, run(data, env))),
            lambda data, env: gather(data, extended(env, run(data, env))),
        )
    values, results = source.run, each(body)
    return Several(
        lambda data, env: (result for value in values(data, env) for result in results(data, extended(env, value)))
    )


def bind(node: ast.Bind, scope: Scope) -> Code:
    inside, extended = pattern(node.patterns, scope)
    return bound(scope.code(node.source), extended, inside.code(node.body))


def reduce(node: ast.Reduce, scope: Scope) -> Code:
    """The last state; an update without a result makes it null."""
    inside, extended = pattern(node.patterns, scope)
    source, start, update = each(scope.code(node.source)), scope.code(node.start), inside.code(node.update)
    if isinstance(start, Several):
        raise Outside("a reduction from several starts, of which jq gives its input to the first only")
    step = update.run if isinstance(update, Single) else _last(update)

    def reduced(state: Json, data: Json, env: Lookup) -> Json:
        for count, value in enumerate(source(data, env)):
            if type(state) in (dict, list, str):
                check_work(count)
            state = step(state, extended(env, value))
        return state

    first = start.run
    return Single(lambda data, env: reduced(first(data, env), data, env))


def _last(code: Several) -> Callable[[Json, Lookup], Json]:
    many = code.run

    def last(data: Json, env: Lookup) -> Json:
        result = None
        for value in many(data, env):
            result = value
        return result

    return last


def foreach(node: ast.Foreach, scope: Scope) -> Code:
    """Every state (or what `extract` makes of it); an update without a result makes the next one start from null."""
    inside, extended = pattern(node.patterns, scope)
    source, starts = each(scope.code(node.source)), each(scope.code(node.start))
    updates = each(inside.code(node.update))
    extracts = each(inside.code(node.extract)) if node.extract is not None else None

    def results(data: Json, env: Lookup) -> Iterator[Json]:
        for start in starts(data, env):
            state = start
            for count, value in enumerate(source(data, env)):
                if type(state) in (dict, list, str):
                    check_work(count)
                inner = extended(env, value)
                before, state = state, None
                for state in updates(before, inner):
                    if extracts is None:
                        yield state
                    else:
                        yield from extracts(state, inner)

    return Several(results)
