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
_SCALAR = frozenset({
    "all", "any", "contains", "endswith", "error", "floor", "has", "in", "index", "inside", "isempty", "isnan",
    "length", "not", "rindex", "startswith", "test", "tonumber", "type", "ceil", "round", "fabs", "abs", "sqrt",
    "empty", "IN",
})  # fmt: skip
_SHRINKING_INPUT = [
    "add", "ascii_downcase", "ascii_upcase", "first", "flatten", "keys", "keys_unsorted", "last", "max", "min",
    "reverse", "sort", "trim", "ltrim", "rtrim", "unique", "values",
]  # fmt: skip
_SHRINKING = frozenset([
    *((name, 0) for name in _SHRINKING_INPUT),
    *((name, 1) for name in ["del", "flatten", "max_by", "min_by", "select", "sort_by", "unique_by"]),
])  # fmt: skip


class Grows(Exception):
    """A part of the state may be in the result twice."""


def _together(flows: Iterable[Parts]) -> Parts:
    """Several results in one value: no part may be in two of them."""
    together: Parts = NOTHING
    for flow in flows:
        if flow & together or (flow and together and WHOLE in flow | together):
            raise Grows
        together |= flow
    return together


class _Flow:
    """Follows `.` through an update; `own` are the functions of the program, of which nothing is known."""

    def __init__(self, own: frozenset[tuple[str, int]]) -> None:
        self.own = own

    def of(self, node: ast.Node) -> Parts:
        """The parts of `.` that the node's results may hold; raises `Grows`."""
        follow = _FOLLOWED.get(type(node))
        if follow is None:
            raise Grows
        return follow(self, node)

    def nothing(self, _: ast.Node) -> Parts:
        return NOTHING

    def all(self, _: ast.Node) -> Parts:
        return ALL

    def index(self, node: ast.Index) -> Parts:
        flow = self.of(node.target)
        if isinstance(node.target, ast.Identity) and isinstance(node.key, ast.Literal) and type(node.key.value) is str:
            return frozenset([node.key.value])
        return flow

    def inside(self, node: ast.Slice | ast.Iterate) -> Parts:
        return self.of(node.target)

    def binary(self, node: ast.Binary) -> Parts:
        sides = (node.left, node.right)
        numeric = any(isinstance(side, ast.Literal) and type(side.value) in (int, float) for side in sides)
        if node.operator not in _ARITHMETIC or (numeric and node.operator != "*"):
            return NOTHING
        return _together(map(self.of, sides))

    def assign(self, node: ast.Assign) -> Parts:
        target = node.target
        while isinstance(target, ast.Index):
            target = target.target
        if not isinstance(target, ast.Identity) or (self.of(node.value) and node.operator != "|="):
            raise Grows
        return ALL

    def pipe(self, node: ast.Pipe) -> Parts:
        left = self.of(node.left)
        if not left:
            return NOTHING
        if isinstance(node.left, (ast.Comma, ast.Iterate)):
            raise Grows
        return left if self.of(node.right) else NOTHING

    def call(self, node: ast.Call) -> Parts:
        signature = (node.name, len(node.arguments))
        if signature in self.own:
            raise Grows
        if node.name in _SCALAR:
            return NOTHING
        if signature in _SHRINKING:
            return ALL
        raise Grows

    def reduce(self, node: ast.Reduce) -> Parts:
        self.of(node.update)
        return self.bound(node.source, node.start)

    def bind(self, node: ast.Bind) -> Parts:
        return self.bound(node.source, node.body)

    def bound(self, source: ast.Node, body: ast.Node) -> Parts:
        if self.of(source):
            raise Grows
        return self.of(body)

    def object(self, node: ast.Object) -> Parts:
        parts = [part for entry in node.entries for part in entry if part is not None]
        if any(value is None for _, value in node.entries):
            raise Grows
        return _together(map(self.of, parts))

    def array(self, node: ast.Array) -> Parts:
        return NOTHING if node.body is None else self.of(node.body)

    def text(self, node: ast.Text) -> Parts:
        if any(self.of(part) for part in node.parts if not isinstance(part, str)):
            raise Grows
        return NOTHING

    def comma(self, node: ast.Comma) -> Parts:
        return _together([self.of(node.left), self.of(node.right)])

    def alternative(self, node: ast.Alternative) -> Parts:
        return self.of(node.left) | self.of(node.right)

    def condition(self, node: ast.If) -> Parts:
        return self.of(node.then) | (ALL if node.otherwise is None else self.of(node.otherwise))

    def attempt(self, node: ast.Try) -> Parts:
        return self.of(node.body) | (NOTHING if node.handler is None else self.of(node.handler))


_FOLLOWED: dict[type[ast.Node], Callable[..., Parts]] = {
    ast.Identity: _Flow.all,
    ast.Literal: _Flow.nothing,
    ast.Variable: _Flow.nothing,
    ast.Location: _Flow.nothing,
    ast.Logic: _Flow.nothing,
    ast.Break: _Flow.nothing,
    ast.Negate: _Flow.nothing,
    ast.Index: _Flow.index,
    ast.Slice: _Flow.inside,
    ast.Iterate: _Flow.inside,
    ast.Binary: _Flow.binary,
    ast.Assign: _Flow.assign,
    ast.Pipe: _Flow.pipe,
    ast.Comma: _Flow.comma,
    ast.Array: _Flow.array,
    ast.Object: _Flow.object,
    ast.Text: _Flow.text,
    ast.Alternative: _Flow.alternative,
    ast.If: _Flow.condition,
    ast.Try: _Flow.attempt,
    ast.Call: _Flow.call,
    ast.Bind: _Flow.bind,
    ast.Reduce: _Flow.reduce,
}


def check(loop: ast.Reduce | ast.Foreach, own: frozenset[tuple[str, int]]) -> None:
    """Raises `Grows` if the state of the loop may multiply."""
    _Flow(own).of(loop.update)
