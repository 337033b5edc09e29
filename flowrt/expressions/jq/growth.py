"""Whether the state of a `reduce` or `foreach` can more than add to itself in a round.

A state that is doubled every round takes all memory in forty of them. So an update is accepted only if its result
holds every part of the old state at most once, and otherwise only what does not come from it; each round then adds
what its own item brings. What this analysis cannot tell counts as growing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from flowrt.expressions.jq import syntax as ast

Parts = frozenset[str]
"""The fields of the state that flow into a result; `WHOLE` for all of it."""

WHOLE = "."
NOTHING: Parts = frozenset()
ALL: Parts = frozenset([WHOLE])

_ARITHMETIC = frozenset("+-*/%")
_SCALAR = frozenset(
    "all any contains endswith error floor has in index inside isempty isnan length not rindex startswith test tonumber "
    "type ceil round fabs abs sqrt empty IN".split()
)
_SHRINKING = frozenset(
    "add ascii_downcase ascii_upcase first flatten keys keys_unsorted last max min reverse sort sort_by max_by min_by "
    "select trim ltrim rtrim unique unique_by values del".split()
)


class Grows(Exception):
    """A part of the state may be in the result twice."""


def _union(flows: Iterable[Parts]) -> Parts:
    """One of several results."""
    return frozenset[str]().union(*flows)


def _together(flows: Iterable[Parts]) -> Parts:
    """Several results in one value: no part may be in two of them."""
    together: Parts = NOTHING
    for flow in flows:
        if flow & together or (flow and together and WHOLE in flow | together):
            raise Grows
        together |= flow
    return together


def _index(node: ast.Index) -> Parts:
    flow = flows(node.target)
    if isinstance(node.target, ast.Identity) and isinstance(node.key, ast.Literal) and type(node.key.value) is str:
        return frozenset([node.key.value])
    return flow


def _binary(node: ast.Binary) -> Parts:
    numeric = any(isinstance(side, ast.Literal) and type(side.value) in (int, float) for side in (node.left, node.right))
    if node.operator not in _ARITHMETIC or (numeric and node.operator != "*"):
        return NOTHING
    return _together([flows(node.left), flows(node.right)])


def _assign(node: ast.Assign) -> Parts:
    target = node.target
    while isinstance(target, ast.Index):
        target = target.target
    if not isinstance(target, ast.Identity):
        raise Grows
    flow = flows(node.value)
    if flow and node.operator != "|=":
        raise Grows
    return ALL


def _pipe(node: ast.Pipe) -> Parts:
    left = flows(node.left)
    if not left:
        return NOTHING
    if isinstance(node.left, (ast.Comma, ast.Iterate)):
        raise Grows
    return left if flows(node.right) else NOTHING


def _call(node: ast.Call) -> Parts:
    if node.name in _SCALAR:
        return NOTHING
    if node.name in _SHRINKING:
        return ALL
    raise Grows


def _loop(node: ast.Reduce) -> Parts:
    if flows(node.source):
        raise Grows
    check(node)
    return flows(node.start)


def _bind(node: ast.Bind) -> Parts:
    if flows(node.source):
        raise Grows
    return flows(node.body)


def _object(node: ast.Object) -> Parts:
    parts = [part for entry in node.entries for part in entry if part is not None]
    if any(value is None for _, value in node.entries):
        raise Grows
    return _together(map(flows, parts))


def _text(node: ast.Text) -> Parts:
    if any(not isinstance(part, str) and flows(part) for part in node.parts):
        raise Grows
    return NOTHING


def _none(_: ast.Node) -> Parts:
    return NOTHING


def _all(_: ast.Node) -> Parts:
    return ALL


_FLOWS: dict[type[ast.Node], Callable[..., Parts]] = {
    ast.Identity: _all,
    ast.Literal: _none,
    ast.Variable: _none,
    ast.Location: _none,
    ast.Logic: _none,
    ast.Break: _none,
    ast.Index: _index,
    ast.Slice: lambda node: flows(node.target),
    ast.Iterate: lambda node: flows(node.target),
    ast.Negate: _none,
    ast.Binary: _binary,
    ast.Assign: _assign,
    ast.Pipe: _pipe,
    ast.Comma: lambda node: _together([flows(node.left), flows(node.right)]),
    ast.Array: lambda node: NOTHING if node.body is None else flows(node.body),
    ast.Object: _object,
    ast.Text: _text,
    ast.Alternative: lambda node: _union([flows(node.left), flows(node.right)]),
    ast.If: lambda node: _union([flows(node.then), ALL if node.otherwise is None else flows(node.otherwise)]),
    ast.Try: lambda node: _union([flows(node.body), NOTHING if node.handler is None else flows(node.handler)]),
    ast.Call: _call,
    ast.Bind: _bind,
    ast.Reduce: _loop,
}


def flows(node: ast.Node) -> Parts:
    """The parts of `.` that the node's results may hold; raises `Grows`."""
    flow = _FLOWS.get(type(node))
    if flow is None:
        raise Grows
    return flow(node)


def check(node: ast.Reduce | ast.Foreach) -> None:
    """Raises `Grows` if the state of this loop may multiply."""
    flows(node.update)
