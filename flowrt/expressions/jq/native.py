"""Compiles the syntax tree to Python closures that give libjq's own answers, results and errors alike.

What is not covered raises `Outside` while compiling; what is covered but met with values whose treatment by jq is not
certain raises `Beyond` while running. Both mean: ask the library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from flowrt.core.expression import Json, Lookup
from flowrt.expressions.jq import access, bindings, operators, updates
from flowrt.expressions.jq import syntax as ast
from flowrt.expressions.jq.code import (
    Broken,
    Code,
    Many,
    One,
    Outside,
    Several,
    Single,
    applied,
    combined,
    each,
    extend,
    gathered,
    piped,
)
from flowrt.expressions.jq.containers import bad_key
from flowrt.expressions.jq.functions import CLOSURES, OF_ARGUMENT, OF_INPUT
from flowrt.expressions.jq.names import walk
from flowrt.expressions.jq.operators import truth
from flowrt.expressions.jq.paths import SELECTIONS, compile_paths
from flowrt.expressions.jq.scope import Scope
from flowrt.expressions.jq.texts import FORMATS
from flowrt.expressions.jq.values import Beyond, Raised


def _identity(node: ast.Identity, scope: Scope) -> Code:
    return Single(lambda data, env: data)


def _recurse(node: ast.RecurseAll, scope: Scope) -> Code:
    return updates.recurse(scope, ())


def _literal(node: ast.Literal, scope: Scope) -> Code:
    value = node.value
    if not node.plain:
        raise Outside("a number that jq prints as it is written")
    return Single(lambda data, env: value)


def _location(node: ast.Location, scope: Scope) -> Code:
    value = {"file": "<top-level>", "line": node.line}
    return Single(lambda data, env: value)


def _text(node: ast.Text, scope: Scope) -> Code:
    if node.format not in FORMATS:
        raise Outside(node.format)
    convert = FORMATS[node.format]
    codes: list[Code] = []
    for part in node.parts:
        if isinstance(part, str):
            codes.append(scope.code(ast.Literal(part)))
        else:
            codes.append(piped(scope.code(part), Single(lambda data, env: convert(data))))
    runs = [code.run for code in reversed(codes) if isinstance(code, Single)]
    if len(runs) == len(codes):  # jq evaluates the last part first, so its error comes first
        return Single(lambda data, env: "".join([run(data, env) for run in runs][::-1]))
    joined = codes[0]
    for code in codes[1:]:
        joined = combined(operators.add, joined, code)
    return joined


def _format(node: ast.Format, scope: Scope) -> Code:
    if node.name not in FORMATS:
        raise Outside(node.name)
    convert = FORMATS[node.name]
    return Single(lambda data, env: convert(data))


def _index(node: ast.Index, scope: Scope) -> Code:
    root, path = _rooted(node)
    if path:
        return Single(_at(path)) if isinstance(root, ast.Identity) else piped(scope.code(root), Single(_at(path)))
    target, key = scope.code(node.target), scope.code(node.key)
    if node.optional:
        pairs = combined(lambda value, at: (value, at), target, key)
        return piped(pairs, Several(lambda pair, env: access.index_or_nothing(*pair)))
    return combined(access.index, target, key)


def _rooted(node: ast.Node) -> tuple[ast.Node, list[Json]]:
    """`f.a.b[0]` as f and the constant path from there."""
    if isinstance(node, ast.Index) and isinstance(node.key, ast.Literal) and not node.optional:
        root, path = _rooted(node.target)
        return root, [*path, node.key.value]
    return node, []


def _field(name: str) -> One:
    def field(data: Json, env: Lookup) -> Json:
        return data.get(name) if type(data) is dict else access.index(data, name)

    return field


def _at(path: list[Json]) -> One:
    if len(path) == 1 and type(path[0]) is str:
        return _field(path[0])
    if len(path) == 2 and type(path[0]) is str and type(path[1]) is str:
        first, second = path

        def field(data: Json, env: Lookup) -> Json:
            inner = data.get(first) if type(data) is dict else access.index(data, first)
            return inner.get(second) if type(inner) is dict else access.index(inner, second)

        return field

    def at(data: Json, env: Lookup) -> Json:
        for key in path:
            data = access.index(data, key)
        return data

    return at


def _slice(node: ast.Slice, scope: Scope) -> Code:
    start = scope.code(node.start or ast.Literal(None))
    end = scope.code(node.end or ast.Literal(None))
    limits = combined(lambda last, first: (first, last), end, start)
    cut = combined(lambda value, limit: (value, limit), scope.code(node.target), limits)
    if node.optional:
        return piped(cut, Several(lambda pair, env: _cut_or_nothing(pair[0], *pair[1])))
    return piped(cut, Single(lambda pair, env: access.cut(pair[0], *pair[1])))


def _cut_or_nothing(value: Json, start: Json, end: Json) -> tuple[Json, ...]:
    try:
        return (access.cut(value, start, end),)
    except Raised:
        return ()


def _iterate(node: ast.Iterate, scope: Scope) -> Code:
    items = access.iterate_if_possible if node.optional else access.iterate
    values = Several(lambda data, env: items(data))
    return values if isinstance(node.target, ast.Identity) else piped(scope.code(node.target), values)


def _pipe(node: ast.Pipe, scope: Scope) -> Code:
    return piped(scope.code(node.left), scope.code(node.right))


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


def _negate(node: ast.Negate, scope: Scope) -> Code:
    if isinstance(node.operand, ast.Literal) and type(node.operand.value) in (int, float) and node.operand.value:
        return scope.code(ast.Literal(-node.operand.value, node.operand.plain))
    return piped(scope.code(node.operand), Single(lambda data, env: operators.negate(data)))


def _binary(node: ast.Binary, scope: Scope) -> Code:
    left, right = node.left, node.right
    if node.operator != "+":  # these compute with both sides, so how a number is written is forgotten
        left, right = (ast.Literal(side.value) if isinstance(side, ast.Literal) else side for side in (left, right))
    return operators.binary(ast.Binary(node.operator, left, right), scope.code(left), scope.code(right))


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
    handler: Code = Several(lambda data, env: ()) if node.handler is None else scope.code(node.handler)
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
            code = bindings.bound(scope.code(argument), lambda env, value, key=key: extend(env, key, value), code)
        return code
    name, count = node.name, len(node.arguments)
    if (name, count) in CLOSURES:
        return CLOSURES[name, count](scope, node.arguments)
    if count == 0 and name in OF_INPUT:
        function = OF_INPUT[name]
        return Single(lambda data, env: function(data))
    if count == 0 and name in SELECTIONS:
        keep = SELECTIONS[name]
        return Several(lambda data, env: (data,) if keep(data) else ())
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

    def leave(data: Json, env: Lookup) -> Json:
        raise Broken(env(key))

    return Single(leave)


def _array(node: ast.Array, scope: Scope) -> Code:
    if node.body is None:
        return Single(lambda data, env: [])
    return Single(gathered(scope.code(node.body)))


def _object(node: ast.Object, scope: Scope) -> Code:
    entries: list[tuple[Code, Code | None]] = []
    for key, value in node.entries:
        if _constant_but_text(key):
            raise Outside("an object key that is not a string")
        entries.append((scope.code(key), None if value is None else scope.code(value)))
    names = [key.value for key, _ in node.entries if isinstance(key, ast.Literal)]
    runs = [
        _field(name) if value is None else value.run
        for name, (_, value) in zip(names, entries, strict=False)
        if not isinstance(value, Several)
    ]
    if len(runs) == len(entries):
        return Single(_record(names, runs))
    manies = [(each(key), None if value is None else each(value)) for key, value in entries]
    built = Several(lambda data, env: _products(manies, data, env, {}))
    if any(isinstance(code, Several) for entry in entries for code in entry):
        return built
    return Single(lambda data, env: next(iter(built.run(data, env))))


def _constant_but_text(key: ast.Node) -> bool:
    """Whether jq might see at compile time that the key is no string, and refuse the program."""
    if isinstance(key, ast.Literal):
        return type(key.value) is not str
    foldable = (ast.Literal, ast.Binary, ast.Negate, ast.Array, ast.Object, ast.Comma)
    return all(isinstance(part, foldable) for part in walk(key))


def _record(names: list[str], runs: list[One]) -> One:
    """An object of constant keys; the small ones are written out."""
    if len(runs) == 1:
        (name,), (run,) = names, runs
        return lambda data, env: {name: run(data, env)}
    if len(runs) == 2:
        (first, second), (one, two) = names, runs
        return lambda data, env: {first: one(data, env), second: two(data, env)}
    fields = list(zip(names, runs, strict=True))
    return lambda data, env: {name: run(data, env) for name, run in fields}


def _products(
    entries: list[tuple[Many, Many | None]], data: Json, env: Lookup, built: dict[str, Json]
) -> Iterator[Json]:
    """Every combination of the values of the entries; those of the last vary fastest."""
    if not entries:
        yield built
        return
    keys, values = entries[0]
    for key in keys(data, env):
        for value in (access.index(data, key),) if values is None else values(data, env):
            if type(key) is not str:
                raise bad_key(key)
            yield from _products(entries[1:], data, env, {**built, key: value})


_NODES: dict[type[ast.Node], Callable[..., Code]] = {
    ast.Identity: _identity,
    ast.RecurseAll: _recurse,
    ast.Literal: _literal,
    ast.Location: _location,
    ast.Text: _text,
    ast.Format: _format,
    ast.Index: _index,
    ast.Slice: _slice,
    ast.Iterate: _iterate,
    ast.Pipe: _pipe,
    ast.Comma: _comma,
    ast.Negate: _negate,
    ast.Binary: _binary,
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
    ast.Array: _array,
    ast.Object: _object,
}


def _compile(node: ast.Node, scope: Scope) -> Code:
    return _NODES[type(node)](node, scope)


def compile_native(program: ast.Node) -> Code:
    """The closures of a whole program; raises `Outside` if they cannot cover it."""
    return Scope(_compile, compile_paths).code(program)
