"""Closures that make values: literals, texts, formats, arithmetic, arrays and objects."""

from __future__ import annotations

from collections.abc import Iterator

from flowrt.core.expression import Json, Lookup
from flowrt.expressions.jq import access, operators
from flowrt.expressions.jq import syntax as ast
from flowrt.expressions.jq.code import Code, Many, One, Outside, Several, Single, combined, each, gathered, piped
from flowrt.expressions.jq.containers import bad_key
from flowrt.expressions.jq.names import walk
from flowrt.expressions.jq.reading import field
from flowrt.expressions.jq.scope import Scope
from flowrt.expressions.jq.texts import FORMATS


def literal(node: ast.Literal, _scope: Scope) -> Code:
    value = node.value
    if not node.plain:
        raise Outside("a number that jq prints as it is written")
    return Single(lambda _data, _env: value)


def location(node: ast.Location, _scope: Scope) -> Code:
    value = {"file": "<top-level>", "line": node.line}
    return Single(lambda _data, _env: value)


def text(node: ast.Text, scope: Scope) -> Code:
    if node.format not in FORMATS:
        raise Outside(node.format)
    convert = FORMATS[node.format]
    codes: list[Code] = []
    for part in node.parts:
        if isinstance(part, str):
            codes.append(scope.code(ast.Literal(part)))
        else:
            codes.append(piped(scope.code(part), Single(lambda data, _: convert(data))))
    runs = [code.run for code in reversed(codes) if isinstance(code, Single)]
    if len(runs) == len(codes):  # jq evaluates the last part first, so its error comes first
        return Single(lambda data, env: "".join([run(data, env) for run in runs][::-1]))
    joined = codes[0]
    for code in codes[1:]:
        joined = combined(operators.add, joined, code)
    return joined


def format(node: ast.Format, _scope: Scope) -> Code:
    if node.name not in FORMATS:
        raise Outside(node.name)
    convert = FORMATS[node.name]
    return Single(lambda data, _: convert(data))


def negate(node: ast.Negate, scope: Scope) -> Code:
    if isinstance(node.operand, ast.Literal) and type(node.operand.value) in (int, float) and node.operand.value:
        return scope.code(ast.Literal(-node.operand.value, node.operand.plain))
    return piped(scope.code(node.operand), Single(lambda data, _: operators.negate(data)))


def binary(node: ast.Binary, scope: Scope) -> Code:
    left, right = node.left, node.right
    if node.operator != "+":  # these compute with both sides, so how a number is written is forgotten
        left, right = (ast.Literal(side.value) if isinstance(side, ast.Literal) else side for side in (left, right))
    return operators.binary(ast.Binary(node.operator, left, right), scope.code(left), scope.code(right))


def array(node: ast.Array, scope: Scope) -> Code:
    if node.body is None:
        return Single(lambda _data, _env: [])
    return Single(gathered(scope.code(node.body)))


def object(node: ast.Object, scope: Scope) -> Code:
    entries: list[tuple[Code, Code | None]] = []
    for key, value in node.entries:
        if _constant_but_text(key):
            raise Outside("an object key that is not a string")
        entries.append((scope.code(key), None if value is None else scope.code(value)))
    names = [key.value for key, _ in node.entries if isinstance(key, ast.Literal)]
    runs = [
        field(name) if value is None else value.run
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
