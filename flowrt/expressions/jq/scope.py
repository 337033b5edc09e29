"""What names mean at one place of a program, while it is compiled.

Every binding gets a key of its own (`x#7`), so that a function's body can be compiled anew at each call without its
variables meeting the caller's. A free variable is its own key: the caller's `lookup` knows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TypeAlias

from flowrt.core.expression import Json, Lookup
from flowrt.expressions.jq import syntax as ast
from flowrt.expressions.jq.code import Code, Outside

Path: TypeAlias = tuple[Json, ...]
Paths: TypeAlias = Callable[[Path, Json, Lookup], Iterable[tuple[Path, Json]]]
"""From a value and the path it was found at to the paths below it and their values."""

DEEPEST_INLINING = 40


@dataclass(frozen=True, slots=True)
class Closure:
    """A function that a name stands for: a definition, or the argument given for a parameter."""

    parameters: tuple[str, ...]
    body: ast.Node
    scope: Scope


@dataclass(frozen=True, slots=True)
class Scope:
    compile_code: Callable[[ast.Node, Scope], Code]
    compile_paths: Callable[[ast.Node, Scope], Paths]
    variables: dict[str, str] = field(default_factory=dict)
    functions: dict[tuple[str, int], Closure | None] = field(default_factory=dict)
    """None: a function inside its own definition, which is not compiled."""
    depth: int = 0
    keys: count[int] = field(default_factory=count)

    def code(self, node: ast.Node) -> Code:
        return self.compile_code(node, self)

    def paths(self, node: ast.Node) -> Paths:
        return self.compile_paths(node, self)

    def key(self, variable: str) -> str:
        return self.variables.get(variable, variable)

    def bind(self, variable: str) -> Scope:
        """This scope with a new variable of that name."""
        return replace(self, variables={**self.variables, variable: f"{variable}#{next(self.keys)}"})

    def define(self, definition: ast.Definition) -> Scope:
        signature = (definition.name, len(definition.parameters))
        inside = replace(self, functions={**self.functions, signature: None})
        closure = Closure(definition.parameters, definition.body, inside)
        return replace(self, functions={**self.functions, signature: closure})

    def function(self, call: ast.Call) -> Closure | None:
        """The program's own function of that name, if there is one."""
        signature = (call.name, len(call.arguments))
        if signature not in self.functions:
            return None
        closure = self.functions[signature]
        if closure is None or self.depth > DEEPEST_INLINING:
            raise Outside(call.name)
        return closure

    def enter(self, closure: Closure, call: ast.Call) -> tuple[Scope, list[tuple[str, ast.Node]]]:
        """The scope of the body at this call, and the `$` parameters with what they are bound to in this scope."""
        inside = replace(closure.scope, depth=self.depth + 1)
        values: list[tuple[str, ast.Node]] = []
        for parameter, argument in zip(closure.parameters, call.arguments, strict=True):
            name = parameter.removeprefix("$")
            if parameter != name:
                inside = inside.bind(name)
                values.append((inside.key(name), argument))
            given = Closure((), argument, self)
            inside = replace(inside, functions={**inside.functions, (name, 0): given})
        return inside, values
