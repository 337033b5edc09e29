"""What a jq program needs from outside: its free variables, and what it may not have.

Refused is whatever would reach past the data an expression is given: the process environment, more input, files,
the terminal, the process itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields

from flowrt.expressions.jq import syntax as ast

_NO_ENVIRONMENT = "the process environment is not available to expressions"
_NO_INPUT = "an expression has one input, `.`; there is no other to read"
_NO_OUTPUT = "an expression has no output but its result"
_NO_FILES = "an expression cannot see files"
_NO_PROCESS = "an expression cannot end the process; use `error` to fail"

REFUSED_FUNCTIONS = {
    ("env", 0): _NO_ENVIRONMENT,
    **dict.fromkeys([("input", 0), ("inputs", 0), ("input_filename", 0), ("input_line_number", 0)], _NO_INPUT),
    **dict.fromkeys([("debug", 0), ("debug", 1), ("stderr", 0)], _NO_OUTPUT),
    **dict.fromkeys([("modulemeta", 0), ("get_search_list", 0), ("get_prog_origin", 0)], _NO_FILES),
    ("get_jq_origin", 0): _NO_FILES,
    **dict.fromkeys([("halt", 0), ("halt_error", 0), ("halt_error", 1)], _NO_PROCESS),
}
REFUSED_VARIABLES = {"ENV": _NO_ENVIRONMENT, "__prog_args": "the process arguments are not available to expressions"}


class Refused(Exception):
    """The program asks for what expressions may not have."""


def children(node: ast.Node | ast.Pattern | ast.Definition) -> Iterator[ast.Node | ast.Pattern | ast.Definition]:
    """Every node directly inside this one, in the order of the text."""
    for field in fields(node):  # type: ignore[arg-type]
        yield from _nodes(getattr(node, field.name))


def _nodes(value: object) -> Iterator[ast.Node | ast.Pattern | ast.Definition]:
    if isinstance(value, (ast.Node, ast.Pattern, ast.Definition)):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _nodes(item)


def walk(node: ast.Node | ast.Pattern | ast.Definition) -> Iterator[ast.Node | ast.Pattern | ast.Definition]:
    """This node and every node below it."""
    yield node
    for child in children(node):
        yield from walk(child)


def bound_variables(patterns: Iterable[ast.Pattern]) -> list[str]:
    """The variables that patterns bind, with repetitions."""
    names: list[str] = []
    for pattern in patterns:
        for node in walk(pattern):
            if isinstance(node, ast.VariablePattern):
                names.append(node.name)
            elif isinstance(node, ast.ObjectPattern):
                names.extend(name for _, name, _ in node.entries if name is not None)
    return names


class _Names:
    """Collects free variables; `variables` and `functions` are what is bound where a node stands."""

    def __init__(self) -> None:
        self.free: set[str] = set()

    def visit(
        self,
        node: ast.Node | ast.Pattern | ast.Definition,
        variables: frozenset[str],
        functions: frozenset[tuple[str, int]],
    ) -> None:
        if isinstance(node, ast.Variable):
            self.variable(node.name, variables)
        elif isinstance(node, ast.Call):
            self.call(node, functions)
            self.inside(node.arguments, variables, functions)
        elif isinstance(node, ast.Bind):
            self.inside((node.source, *node.patterns), variables, functions)
            self.visit(node.body, variables.union(bound_variables(node.patterns)), functions)
        elif isinstance(node, (ast.Reduce, ast.Foreach)):
            self.inside((node.source, node.start, *node.patterns), variables, functions)
            extract = node.extract if isinstance(node, ast.Foreach) else None
            inner = variables.union(bound_variables(node.patterns))
            self.inside([part for part in (node.update, extract) if part is not None], inner, functions)
        elif isinstance(node, ast.Define):
            functions = functions | {(node.definition.name, len(node.definition.parameters))}
            self.definition(node.definition, variables, functions)
            self.visit(node.rest, variables, functions)
        else:
            self.inside(children(node), variables, functions)

    def inside(
        self,
        nodes: Iterable[ast.Node | ast.Pattern | ast.Definition],
        variables: frozenset[str],
        functions: frozenset[tuple[str, int]],
    ) -> None:
        for node in nodes:
            self.visit(node, variables, functions)

    def definition(
        self, definition: ast.Definition, variables: frozenset[str], functions: frozenset[tuple[str, int]]
    ) -> None:
        values = [name[1:] for name in definition.parameters if name.startswith("$")]
        closures = [(name.removeprefix("$"), 0) for name in definition.parameters]
        self.visit(definition.body, variables.union(values), functions.union(closures))

    def variable(self, name: str, variables: frozenset[str]) -> None:
        if name in variables:
            return
        if name in REFUSED_VARIABLES:
            raise Refused(f"${name} may not be used: {REFUSED_VARIABLES[name]}")
        self.free.add(name)

    def call(self, node: ast.Call, functions: frozenset[tuple[str, int]]) -> None:
        signature = (node.name, len(node.arguments))
        if signature in REFUSED_FUNCTIONS and signature not in functions:
            raise Refused(f"{node.name} may not be used: {REFUSED_FUNCTIONS[signature]}")


def free_names(program: ast.Node) -> frozenset[str]:
    """The names of the variables the program does not bind itself, without `$`; raises `Refused`."""
    names = _Names()
    names.visit(program, frozenset(), frozenset())
    return frozenset(names.free)
