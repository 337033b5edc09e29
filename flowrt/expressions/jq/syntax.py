"""The syntax tree of a jq program: one class per construct, with no behaviour; never changed once it is made.

Sugar that is only sugar is gone here (`.a` is an `Index` by a literal, `f?` a `Try` without handler); what can be
told apart by its results is kept apart (`.a?` is an optional `Index`, because it forgives less than `(.a)?`).
The methods that nobody calls are not generated, because generating them would be most of what importing this costs.
"""

from __future__ import annotations

from dataclasses import dataclass

from flowrt.core.expression import Json


class Node:
    """Any expression."""

    __slots__ = ()


@dataclass(slots=True, eq=False, repr=False)
class Identity(Node):
    pass


@dataclass(slots=True, eq=False, repr=False)
class RecurseAll(Node):
    """`..`"""


@dataclass(slots=True, eq=False, repr=False)
class Literal(Node):
    """A constant; `plain` says that jq prints the number the way Python does (`1.50` and `1e3` are not plain)."""

    value: Json
    plain: bool = True


@dataclass(slots=True, eq=False, repr=False)
class Text(Node):
    """A string with interpolated parts, each converted by `format` (`text` unless the program names another)."""

    format: str
    parts: tuple[str | Node, ...]


@dataclass(slots=True, eq=False, repr=False)
class Format(Node):
    name: str


@dataclass(slots=True, eq=False, repr=False)
class Index(Node):
    target: Node
    key: Node
    optional: bool = False


@dataclass(slots=True, eq=False, repr=False)
class Slice(Node):
    target: Node
    start: Node | None
    end: Node | None
    optional: bool = False


@dataclass(slots=True, eq=False, repr=False)
class Iterate(Node):
    target: Node
    optional: bool = False


@dataclass(slots=True, eq=False, repr=False)
class Pipe(Node):
    left: Node
    right: Node


@dataclass(slots=True, eq=False, repr=False)
class Comma(Node):
    left: Node
    right: Node


@dataclass(slots=True, eq=False, repr=False)
class Negate(Node):
    operand: Node


@dataclass(slots=True, eq=False, repr=False)
class Binary(Node):
    """Arithmetic and comparison."""

    operator: str
    left: Node
    right: Node


@dataclass(slots=True, eq=False, repr=False)
class Logic(Node):
    """`and`, `or`"""

    operator: str
    left: Node
    right: Node


@dataclass(slots=True, eq=False, repr=False)
class Alternative(Node):
    """`left // right`"""

    left: Node
    right: Node


@dataclass(slots=True, eq=False, repr=False)
class Assign(Node):
    """`target = value` and its kin; `operator` is all of it: `=`, `|=`, `+=`, `//=`, …"""

    operator: str
    target: Node
    value: Node


@dataclass(slots=True, eq=False, repr=False)
class If(Node):
    condition: Node
    then: Node
    otherwise: Node | None


@dataclass(slots=True, eq=False, repr=False)
class Try(Node):
    body: Node
    handler: Node | None


@dataclass(slots=True, eq=False, repr=False)
class Reduce(Node):
    source: Node
    patterns: tuple[Pattern, ...]
    start: Node
    update: Node


@dataclass(slots=True, eq=False, repr=False)
class Foreach(Node):
    source: Node
    patterns: tuple[Pattern, ...]
    start: Node
    update: Node
    extract: Node | None


@dataclass(slots=True, eq=False, repr=False)
class Definition:
    """`def name(parameters): body;` — a parameter that starts with `$` is a value, any other a closure."""

    name: str
    parameters: tuple[str, ...]
    body: Node


@dataclass(slots=True, eq=False, repr=False)
class Define(Node):
    definition: Definition
    rest: Node


@dataclass(slots=True, eq=False, repr=False)
class Call(Node):
    name: str
    arguments: tuple[Node, ...] = ()


@dataclass(slots=True, eq=False, repr=False)
class Variable(Node):
    name: str


@dataclass(slots=True, eq=False, repr=False)
class Bind(Node):
    """`source as pattern ?// pattern | body`"""

    source: Node
    patterns: tuple[Pattern, ...]
    body: Node


@dataclass(slots=True, eq=False, repr=False)
class Label(Node):
    name: str
    body: Node


@dataclass(slots=True, eq=False, repr=False)
class Break(Node):
    name: str


@dataclass(slots=True, eq=False, repr=False)
class Array(Node):
    body: Node | None


@dataclass(slots=True, eq=False, repr=False)
class Object(Node):
    """Keys and values in order; a value of None means "the input's field of that key"."""

    entries: tuple[tuple[Node, Node | None], ...]


@dataclass(slots=True, eq=False, repr=False)
class Location(Node):
    """`$__loc__`"""

    line: int


class Pattern:
    """The left side of a binding."""

    __slots__ = ()


@dataclass(slots=True, eq=False, repr=False)
class VariablePattern(Pattern):
    name: str


@dataclass(slots=True, eq=False, repr=False)
class ArrayPattern(Pattern):
    items: tuple[Pattern, ...]


@dataclass(slots=True, eq=False, repr=False)
class ObjectPattern(Pattern):
    """Entries of key, variable bound to the field itself (`{$a: …}`), and pattern for what is inside."""

    entries: tuple[tuple[Node, str | None, Pattern | None], ...]
