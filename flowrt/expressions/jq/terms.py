"""Parses terms: what stands between the operators of a jq program, with its postfixes.

`query` and `expression`, which terms contain, come from the subclass in `parser`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from flowrt.expressions.jq import syntax as ast
from flowrt.expressions.jq.lexer import (
    BINDING,
    END,
    FIELD,
    FORMAT,
    IDENTIFIER,
    INTERPOLATION_END,
    INTERPOLATION_START,
    KEYWORDS,
    LOCATION,
    NUMBER,
    STRING_END,
    STRING_START,
    STRING_TEXT,
    SyntaxFault,
    Token,
)

CONSTANTS = {"null": None, "true": True, "false": False}


def number(text: str) -> ast.Literal:
    """A number as jq reads it: a double, which prints as it was written until it is computed with."""
    value = float(text)
    if value.is_integer():
        return ast.Literal(int(value), plain=text == str(int(value)))
    return ast.Literal(value, plain=text == repr(value) and "e" not in text)


class Terms(ABC):
    """A cursor over the tokens, and the grammar of terms."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.position = 0
        self.starts: dict[str, Callable[[Token], ast.Node]] = {
            ".": self._dot,
            "..": lambda _: ast.RecurseAll(),
            FIELD: lambda token: self._index(ast.Identity(), ast.Literal(token.text)),
            BINDING: lambda token: ast.Variable(token.text),
            LOCATION: lambda token: ast.Location(token.line),
            NUMBER: lambda token: number(token.text),
            IDENTIFIER: self._name,
            "-": lambda _: ast.Negate(self.postfix()),
            "(": self._parenthesized,
            "[": self._array,
            "{": self._object,
            "if": lambda _: self._if(),
            "try": self._try,
            "reduce": self._reduce,
            "foreach": self._foreach,
            "break": lambda _: ast.Break(self.expect(BINDING).text),
        }

    @abstractmethod
    def query(self) -> ast.Node: ...

    @abstractmethod
    def expression(self, floor: int = 0) -> ast.Node: ...

    @abstractmethod
    def patterns(self) -> tuple[ast.Pattern, ...]: ...

    @property
    def next(self) -> str:
        return self.tokens[self.position].kind

    def take(self) -> Token:
        token = self.tokens[self.position]
        if token.kind != END:
            self.position += 1
        return token

    def accept(self, kind: str) -> bool:
        if self.next == kind:
            self.position += 1
            return True
        return False

    def expect(self, *kinds: str) -> Token:
        token = self.take()
        if token.kind not in kinds:
            raise self.unexpected(token, " or ".join(kinds))
        return token

    def unexpected(self, token: Token, wanted: str) -> SyntaxFault:
        found = token.text or token.kind
        return SyntaxFault(f"unexpected {found!r}, expecting {wanted}, line {token.line}, column {token.column}")

    def term(self) -> ast.Node:
        if self.next == STRING_START or (self.next == FORMAT and self.tokens[self.position + 1].kind == STRING_START):
            return self.string()
        token = self.take()
        if token.kind == FORMAT:
            return ast.Format(token.text)
        start = self.starts.get(token.kind)
        if start is None:
            raise self.unexpected(token, "a term")
        return start(token)

    def postfix(self) -> ast.Node:
        node = self.term()
        while True:
            if self.next == FIELD:
                node = self._index(node, ast.Literal(self.take().text))
            elif self.next == ".":
                self.take()
                node = self._after_dot(node)
            elif self.accept("["):
                node = self._bracket(node)
            elif self.accept("?"):
                node = ast.Try(node, None)
            else:
                return node

    def string(self) -> ast.Node:
        name = self.take().text if self.next == FORMAT else "text"
        self.expect(STRING_START)
        parts: list[str | ast.Node] = []
        while True:
            token = self.expect(STRING_TEXT, INTERPOLATION_START, STRING_END)
            if token.kind == STRING_TEXT:
                parts.append(token.text)
            elif token.kind == INTERPOLATION_START:
                parts.append(self.query())
                self.expect(INTERPOLATION_END)
            else:
                break
        literals = [part for part in parts if isinstance(part, str)]
        if len(literals) == len(parts):
            return ast.Literal("".join(literals))
        return ast.Text(name, tuple(parts))

    def _dot(self, _: Token) -> ast.Node:
        return self._index(ast.Identity(), self.string()) if self._at_string() else ast.Identity()

    def _at_string(self) -> bool:
        return self.next in (STRING_START, FORMAT)

    def _after_dot(self, target: ast.Node) -> ast.Node:
        if self._at_string():
            return self._index(target, self.string())
        self.expect("[")
        return self._bracket(target, sliceable=False)

    def _index(self, target: ast.Node, key: ast.Node) -> ast.Node:
        return ast.Index(target, key, self.accept("?"))

    def _bracket(self, target: ast.Node, sliceable: bool = True) -> ast.Node:
        """What follows `[`; there is no slice after `.[`, except where the dot is the term itself."""
        if self.accept("]"):
            return ast.Iterate(target, self.accept("?"))
        start = None if sliceable and self.next == ":" else self.query()
        if start is not None and (not sliceable or self.next == "]"):
            self.expect("]")
            return self._index(target, start)
        self.expect(":")
        end = None if start is not None and self.next == "]" else self.query()
        self.expect("]")
        return ast.Slice(target, start, end, self.accept("?"))

    def _name(self, token: Token) -> ast.Node:
        if self.accept("("):
            arguments = [self.query()]
            while self.accept(";"):
                arguments.append(self.query())
            self.expect(")")
            return ast.Call(token.text, tuple(arguments))
        return ast.Literal(CONSTANTS[token.text]) if token.text in CONSTANTS else ast.Call(token.text)

    def _parenthesized(self, _: Token) -> ast.Node:
        node = self.query()
        self.expect(")")
        return node

    def _array(self, _: Token) -> ast.Node:
        if self.accept("]"):
            return ast.Array(None)
        body = self.query()
        self.expect("]")
        return ast.Array(body)

    def _object(self, _: Token) -> ast.Node:
        entries: list[tuple[ast.Node, ast.Node | None]] = []
        while not self.accept("}"):
            entries.append(self._entry())
            if self.next != "}":
                self.expect(",")
        return ast.Object(tuple(entries))

    def _entry(self) -> tuple[ast.Node, ast.Node | None]:
        key: ast.Node
        value: ast.Node | None = None
        if self._at_string():
            key = self.string()
        elif self.accept("("):
            key = self.query()
            self.expect(")")
            if self.next != ":":
                raise self.unexpected(self.take(), "':'")
        else:
            token = self.expect(IDENTIFIER, BINDING, LOCATION, *KEYWORDS)
            key = ast.Literal(token.text)
            if token.kind == LOCATION:
                return key, ast.Location(token.line)
            if token.kind == BINDING:
                value = ast.Variable(token.text)
                key = value if self.next == ":" else key
        return (key, self._entry_value()) if self.accept(":") else (key, value)

    def _entry_value(self) -> ast.Node:
        node = self.expression()
        return ast.Pipe(node, self._entry_value()) if self.accept("|") else node

    def _if(self) -> ast.Node:
        condition = self.query()
        self.expect("then")
        then = self.query()
        token = self.expect("elif", "else", "end")
        otherwise: ast.Node | None = None
        if token.kind == "elif":
            otherwise = self._if()
        elif token.kind == "else":
            otherwise = self.query()
            self.expect("end")
        return ast.If(condition, then, otherwise)

    def _try(self, _: Token) -> ast.Node:
        body = self.postfix()
        return ast.Try(body, self.postfix() if self.accept("catch") else None)

    def _loop_head(self) -> tuple[ast.Node, tuple[ast.Pattern, ...], ast.Node, ast.Node]:
        source = self.expression()
        self.expect("as")
        patterns = self.patterns()
        self.expect("(")
        start = self.query()
        self.expect(";")
        return source, patterns, start, self.query()

    def _reduce(self, _: Token) -> ast.Node:
        head = self._loop_head()
        self.expect(")")
        return ast.Reduce(*head)

    def _foreach(self, _: Token) -> ast.Node:
        head = self._loop_head()
        extract = self.query() if self.accept(";") else None
        self.expect(")")
        return ast.Foreach(*head, extract)
