"""Compiles the syntax tree to Python closures that give libjq's own answers, results and errors alike.

What is not covered raises `Outside` while compiling; what is covered but met with values whose treatment by jq is not
certain raises `Beyond` while running. Both mean: ask the library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from flowrt.core.expression import Json, Lookup
from flowrt.expressions.jq import bindings, construct, operators, reading, updates
from flowrt.expressions.jq import syntax as ast
from flowrt.expressions.jq.code import (
    Broken,
    Code,
    Outside,
    Several,
    Single,
    applied,
    each,
    extend,
    piped,
)
from flowrt.expressions.jq.functions import CLOSURES, OF_ARGUMENT, OF_INPUT
from flowrt.expressions.jq.operators import truth
from flowrt.expressions.jq.paths import SELECTIONS, compile_paths
from flowrt.expressions.jq.scope import Scope
from flowrt.expressions.jq.values import Beyond, Raised


def _pipe(node: ast.Pipe, scope: Scope) -> Code:
    code, rest = scope.code(node.left), node.right
    while isinstance(rest, ast.Pipe):  # from the left, so that each step is one loop over the step before
        code, rest = piped(code, scope.code(rest.left)), rest.right
    return piped(code, scope.code(rest))


def _comma(node: ast.Comma, scope: Scope) -> Code:
    codes = [scope.code(member) for member in _members(node)]
    manies = [each(code) for code in codes]

    def results(data: Json, env: Lookup) -> Iterator[Json]:
        for many in manies:
            yield from many(data, env)

    runs = [code.run for code in codes if isinstance(code, Single)]
    if len(runs) == len(codes):
        return Several(results, lambda data, env: [run(data, env) for run in runs])
    return Several(results)


def _members(node: ast.Node) -> list[ast.Node]:
    return [*_members(node.left), node.right] if isinstance(node, ast.Comma) else [node]


def _logic(node: ast.Logic, scope: Scope) -> Code:
    return operators.logic(node.operator, scope.code(node.left), scope.code(node.right))


def _alternative(node: ast.Alternative, scope: Scope) -> Code:
    left, right = scope.code(node.left), scope.code(node.right)
    if isinstance(left, Single) and isinstance(right, Single):
        first, second = left.run, right.run

        def one(data: Json, env: Lookup) -> Json:
            value = first(data, env)
            return second(data, env) if value is None or value is False else value

        return Single(one)
    firsts, seconds = each(left), each(right)

    def results(data: Json, env: Lookup) -> Iterator[Json]:
        found = False
        for value in firsts(data, env):
            if truth(value):
                found = True
                yield value
        if not found:
            yield from seconds(data, env)

    return Several(results)


def _if(node: ast.If, scope: Scope) -> Code:
    condition, then = scope.code(node.condition), scope.code(node.then)
    otherwise = scope.code(node.otherwise or ast.Identity())
    if isinstance(condition, Single) and isinstance(then, Single) and isinstance(otherwise, Single):
        test, yes, no = condition.run, then.run, otherwise.run
        return Single(lambda data, env: yes(data, env) if truth(test(data, env)) else no(data, env))
    tests, yeses, noes = each(condition), each(then), each(otherwise)
    return Several(
        lambda data, env: (
            result for value in tests(data, env) for result in (yeses if truth(value) else noes)(data, env)
        )
    )


def _try(node: ast.Try, scope: Scope) -> Code:
    body = scope.code(node.body)
    handler: Code = Several(lambda _data, _env: ()) if node.handler is None else scope.code(node.handler)
    if isinstance(body, Single) and isinstance(handler, Single):
        run, handle = body.run, handler.run

        def one(data: Json, env: Lookup) -> Json:
            try:
                return run(data, env)
            except Raised as error:
                return handle(_caught(error), env)

        return Single(one)
    many, handled = each(body), each(handler)
    forgiving = node.handler is None

    def results(data: Json, env: Lookup) -> Iterator[Json]:
        try:
            yield from many(data, env)
        except Raised as error:
            caught = None if forgiving else _caught(error)
        else:
            return
        yield from handled(caught, env)

    return Several(results)


def _caught(error: Raised) -> Json:
    if isinstance(error, Broken):
        raise Beyond  # jq's own handler would see the number it has given the label
    return error.value


def _define(node: ast.Define, scope: Scope) -> Code:
    return scope.define(node.definition).code(node.rest)


def _call(node: ast.Call, scope: Scope) -> Code:
    closure = scope.function(node)
    if closure is not None:
        inside, values = scope.enter(closure, node)
        code = inside.code(closure.body)
        for key, argument in reversed(values):
            code = bindings.bound(scope.code(argument), bindings.extension(key), code)
        return code
    name, count = node.name, len(node.arguments)
    if (name, count) in CLOSURES:
        return CLOSURES[name, count](scope, node.arguments)
    if count == 0 and name in OF_INPUT:
        function = OF_INPUT[name]
        return Single(lambda data, _: function(data))
    if count == 0 and name in SELECTIONS:
        keep = SELECTIONS[name]
        return Several(lambda data, _: (data,) if keep(data) else ())
    if count == 1 and name in OF_ARGUMENT:
        return applied(OF_ARGUMENT[name], scope.code(node.arguments[0]))
    raise Outside(name)


def _label(node: ast.Label, scope: Scope) -> Code:
    inside = scope.bind(f"label {node.name}")
    key, many = inside.key(f"label {node.name}"), each(inside.code(node.body))

    def results(data: Json, env: Lookup) -> Iterator[Json]:
        activation = object()
        try:
            yield from many(data, extend(env, key, activation))
        except Broken as broken:
            if broken.value is not activation:
                raise

    return Several(results)


def _break(node: ast.Break, scope: Scope) -> Code:
    name = f"label {node.name}"
    if name not in scope.variables:
        raise Outside("break without label")
    key = scope.key(name)

    def leave(_: Json, env: Lookup) -> Json:
        raise Broken(env(key))

    return Single(leave)


_NODES: dict[type[ast.Node], Callable[..., Code]] = {
    ast.Identity: reading.identity,
    ast.RecurseAll: reading.recurse,
    ast.Literal: construct.literal,
    ast.Location: construct.location,
    ast.Text: construct.text,
    ast.Format: construct.format,
    ast.Index: reading.index,
    ast.Slice: reading.slice,
    ast.Iterate: reading.iterate,
    ast.Pipe: _pipe,
    ast.Comma: _comma,
    ast.Negate: construct.negate,
    ast.Binary: construct.binary,
    ast.Logic: _logic,
    ast.Alternative: _alternative,
    ast.Assign: updates.assign,
    ast.If: _if,
    ast.Try: _try,
    ast.Reduce: bindings.reduce,
    ast.Foreach: bindings.foreach,
    ast.Define: _define,
    ast.Call: _call,
    ast.Variable: bindings.variable,
    ast.Bind: bindings.bind,
    ast.Label: _label,
    ast.Break: _break,
    ast.Array: construct.array,
    ast.Object: construct.object,
}


def _compile(node: ast.Node, scope: Scope) -> Code:
    return _NODES[type(node)](node, scope)


def compile_native(program: ast.Node) -> Code:
    """The closures of a whole program; raises `Outside` if they cannot cover it."""
    return Scope(_compile, compile_paths).code(program)
