"""Whether a program's work is bounded by the size of its data.

There are two answers, because closures guard what the library does not: they refuse to repeat a text or to grow an
array beyond all measure. A program that runs away in the library only may still run as closures in this process.
"""

from __future__ import annotations

from dataclasses import dataclass

from flowrt.expressions.jq import growth
from flowrt.expressions.jq import syntax as ast
from flowrt.expressions.jq.names import children

MOST_ROUNDS = 100_000
_REGEX = [
    ("test", 1),
    ("test", 2),
    ("match", 1),
    ("match", 2),
    ("capture", 1),
    ("capture", 2),
    ("scan", 1),
    ("scan", 2),
]
_REPLACING = [("split", 2), ("splits", 1), ("splits", 2), ("sub", 2), ("sub", 3), ("gsub", 2), ("gsub", 3)]
_ENDLESS = [("until", 2), ("while", 2), ("repeat", 1), ("recurse", 1), ("recurse", 2)]
UNBOUNDED = frozenset([*_REGEX, *_REPLACING, *_ENDLESS, ("combinations", 0), ("combinations", 1)])

Signature = tuple[str, int]


@dataclass(slots=True)
class Bounds:
    """What was found: `anywhere` it could run away, or only in the library; and how often its ranges go round."""

    anywhere: bool = False
    in_library: bool = False
    rounds: float = 1.0


class _Search:
    def __init__(self) -> None:
        self.found = Bounds()

    def visit(
        self,
        node: ast.Node | ast.Pattern | ast.Definition,
        own: frozenset[Signature] = frozenset(),
        open_: frozenset[Signature] = frozenset(),
    ) -> None:
        """`own` are the program's own functions here, `open_` those whose body this is."""
        if isinstance(node, ast.Define):
            self.define(node, own, open_)
            return
        if isinstance(node, ast.Call):
            self.call(node, own, open_)
        elif isinstance(node, (ast.Reduce, ast.Foreach)):
            self.loop(node, own)
        elif isinstance(node, ast.Assign):
            self.assign(node)
        elif isinstance(node, ast.Binary) and node.operator == "*" and not _repeats_little(node):
            self.found.in_library = True
        for child in children(node):
            self.visit(child, own, open_)

    def define(self, node: ast.Define, own: frozenset[Signature], open_: frozenset[Signature]) -> None:
        definition = node.definition
        signature = (definition.name, len(definition.parameters))
        parameters = frozenset((name.removeprefix("$"), 0) for name in definition.parameters)
        own |= {signature}
        self.visit(definition.body, own | parameters, (open_ | {signature}) - parameters)
        self.visit(node.rest, own, open_ - {signature})

    def call(self, node: ast.Call, own: frozenset[Signature], open_: frozenset[Signature]) -> None:
        signature = (node.name, len(node.arguments))
        if signature in own:
            self.found.anywhere |= signature in open_
        elif signature in UNBOUNDED:
            self.found.anywhere = True
        elif node.name == "range":
            self.range(node.arguments)
        elif signature in (("setpath", 2), ("pick", 1)):
            self.found.in_library = True

    def range(self, arguments: tuple[ast.Node, ...]) -> None:
        limits = [_constant(argument) for argument in arguments]
        step = limits[2] if len(limits) == 3 else 1.0
        if None in limits or not step:
            self.found.anywhere = True
            return
        first, last = (0.0, limits[0]) if len(limits) == 1 else (limits[0], limits[1])
        self.found.rounds *= max(1.0, abs((last or 0.0) - (first or 0.0)) / abs(step))
        self.found.anywhere |= self.found.rounds > MOST_ROUNDS

    def loop(self, node: ast.Reduce | ast.Foreach, own: frozenset[Signature]) -> None:
        try:
            growth.check(node, own)
        except growth.Grows:
            self.found.anywhere = True

    def assign(self, node: ast.Assign) -> None:
        if node.operator == "*=" or not _fixed_path(node.target):
            self.found.in_library = True


def _constant(node: ast.Node) -> float | None:
    if isinstance(node, ast.Negate):
        value = _constant(node.operand)
        return None if value is None else -value
    if isinstance(node, ast.Literal) and type(node.value) in (int, float):
        return float(node.value)
    return None


def _repeats_little(node: ast.Binary) -> bool:
    """Whether a side shows that this is no long repetition of a text."""
    for side in (node.left, node.right):
        value = _constant(side)
        if isinstance(side, ast.Object) or (value is not None and value <= MOST_ROUNDS / 100):
            return True
    return False


def _fixed_path(node: ast.Node) -> bool:
    """A path whose array positions are small and written in the program."""
    if isinstance(node, ast.Index):
        key = node.key.value if isinstance(node.key, ast.Literal) else None
        small = type(key) is str or (type(key) is int and key <= MOST_ROUNDS)
        return small and _fixed_path(node.target)
    if isinstance(node, (ast.Slice, ast.Iterate)):
        return _fixed_path(node.target)
    if isinstance(node, (ast.Pipe, ast.Comma)):
        return _fixed_path(node.left) and _fixed_path(node.right)
    return isinstance(node, (ast.Identity, ast.RecurseAll)) or (isinstance(node, ast.Call) and node.name == "select")


def bounds(program: ast.Node) -> Bounds:
    search = _Search()
    search.visit(program)
    return search.found
