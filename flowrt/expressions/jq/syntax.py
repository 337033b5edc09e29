"""The syntax tree of a jq program: one frozen class per construct, with no behaviour.

Sugar that is only sugar is gone here (`.a` is an `Index` by a literal, `f?` a `Try` without handler); what can be
told apart by its results is kept apart (`.a?` is an optional `Index`, because it forgives less than `(.a)?`).
"""

from __future__ import annotations

from dataclasses import dataclass

from flowrt.core.expression import Json


class Node:
    """Any expression."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Identity(Node):
    pass


@dataclass(frozen=True, slots=True)
class RecurseAll(Node):
    """`..`"""


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A constant; `plain` says that jq prints the number the way Python does (`1.50` and `1e3` are not plain)."""

    value: Json
    plain: bool = True


@dataclass(frozen=True, slots=True)
class Text(Node):
    """A string with interpolated parts, each converted by `format` (`text` unless the program names another)."""

    format: str
    parts: tuple[str | Node, ...]


@dataclass(frozen=True, slots=True)
class Format(Node):
    name: str


@dataclass(frozen=True, slots=True)
class Index(Node):
    target: Node
    key: Node
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Slice(Node):
    target: Node
    start: Node | None
    end: Node | None
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Iterate(Node):
    target: Node
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Pipe(Node):
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Comma(Node):
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Negate(Node):
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """Arithmetic and comparison."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Logic(Node):
    """`and`, `or`"""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Alternative(Node):
    """`left // right`"""

    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Assign(Node):
    """`target = value` and its kin; `operator` is all of it: `=`, `|=`, `+=`, `//=`, …"""

    operator: str
    target: Node
    value: Node


@dataclass(frozen=True, slots=True)
class If(Node):
    condition: Node
    then: Node
    otherwise: Node | None


@dataclass(frozen=True, slots=True)
class Try(Node):
    body: Node
    handler: Node | None


@dataclass(frozen=True, slots=True)
class Reduce(Node):
    source: Node
    patterns: tuple[Pattern, ...]
    start: Node
    update: Node


@dataclass(frozen=True, slots=True)
class Foreach(Node):
    source: Node
    patterns: tuple[Pattern, ...]
    start: Node
    update: Node
    extract: Node | None


@dataclass(frozen=True, slots=True)
class Definition:
    """`def name(parameters): body;` — a parameter that starts with `$` is a value, any other a closure."""

    name: str
    parameters: tuple[str, ...]
    body: Node


@dataclass(frozen=True, slots=True)
class Define(Node):
    definition: Definition
    rest: Node


@dataclass(frozen=True, slots=True)
class Call(Node):
    name: str
    arguments: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Variable(Node):
    name: str


@dataclass(frozen=True, slots=True)
class Bind(Node):
    """`source as pattern ?// pattern | body`"""

    source: Node
    patterns: tuple[Pattern, ...]
    body: Node


@dataclass(frozen=True, slots=True)
class Label(Node):
    name: str
    body: Node


@dataclass(frozen=True, slots=True)
class Break(Node):
    name: str


@dataclass(frozen=True, slots=True)
class Array(Node):
    body: Node | None


@dataclass(frozen=True, slots=True)
class Object(Node):
    """Keys and values in order; a value of None means "the input's field of that key"."""

    entries: tuple[tuple[Node, Node | None], ...]


@dataclass(frozen=True, slots=True)
class Location(Node):
    """`$__loc__`"""

    line: int


class Pattern:
    """The left side of a binding."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class VariablePattern(Pattern):
    name: str


@dataclass(frozen=True, slots=True)
class ArrayPattern(Pattern):
    items: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class ObjectPattern(Pattern):
    """Entries of key, variable bound to the field itself (`{$a: …}`), and pattern for what is inside."""

    entries: tuple[tuple[Node, str | None, Pattern | None], ...]
