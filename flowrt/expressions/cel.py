"""CEL, the Common Expression Language: chosen by `evaluate.language: cel` or the prefix `cel:` (extra `cel`).

The data stands under `data` (what is `.` in jq), arguments and loop variables under their names without `$`.
A CEL program always ends, so no deadline guards it. Source: github.com/google/cel-spec.
"""

from __future__ import annotations

from typing import Any

from flowrt.core.expression import Expression, ExpressionFailed, InvalidExpression, Json, Lookup

DATA = "data"
MISSING = "this expression needs the extra: pip install 'flowrt[cel]'"


def compile(source: str) -> Expression:
    """Compiles a CEL program. Raises `InvalidExpression`."""
    try:
        import celpy
        from celpy.adapter import json_to_cel
        from celpy.celparser import CELParseError
        from celpy.evaluation import CELEvalError
    except ImportError:
        raise InvalidExpression(MISSING) from None
    environment = celpy.Environment()
    try:
        tree = environment.compile(source)
        program = environment.program(tree)
    except CELParseError as error:
        raise InvalidExpression(" ".join(str(error).split())) from None
    names = _free_names(tree)

    def evaluate(data: Json, lookup: Lookup) -> Json:
        activation = {name: json_to_cel(lookup(name)) for name in names}
        activation[DATA] = json_to_cel(data)
        try:
            return _to_json(program.evaluate(activation))
        except CELEvalError as error:
            raise ExpressionFailed(f"cel: {source[:200]}: {error.args[0] if error.args else error}") from None

    return Expression(source, names, evaluate)


def _free_names(tree: Any) -> frozenset[str]:
    """Identifiers that a program takes from outside: neither bound by a macro, nor types and namespaces of CEL."""
    known = {DATA, "bool", "int", "uint", "double", "string", "bytes", "list", "map", "null_type", "type", "google"}
    found = {str(node.children[0]) for node in tree.find_data("ident")}
    bound = {str(name) for call in tree.find_data("member_dot_arg") for name in _macro_variable(call)}
    return frozenset(found - known - bound)


def _macro_variable(call: Any) -> list[str]:
    """The variable of `list.map(x, …)` and the other macros."""
    method, arguments = str(call.children[1]), call.children[2] if len(call.children) > 2 else None
    if method not in ("map", "filter", "all", "exists", "exists_one") or arguments is None:
        return []
    first = next(iter(arguments.children), None)
    names = list(first.find_data("ident")) if first is not None else []
    return [str(names[0].children[0])] if names else []


def _to_json(value: Any) -> Json:
    from celpy import celtypes

    if isinstance(value, celtypes.BoolType):
        return bool(value)
    if value is None or isinstance(value, str):
        return None if value is None else str(value)
    if isinstance(value, celtypes.IntType | celtypes.UintType):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, celtypes.ListType):
        return [_to_json(item) for item in value]
    if isinstance(value, celtypes.MapType):
        return {str(_to_json(key)): _to_json(item) for key, item in value.items()}
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)
