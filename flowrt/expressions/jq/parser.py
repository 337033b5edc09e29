"""Parses a jq program (the grammar of jq 1.8) into its syntax tree.

Precedence, loosest first: `|` (right), `,`, `//` (right), assignment (none), `or`, `and`, comparison (none), `+ -`,
`* / %`, then terms. `def`, `label` and `as` reach as far to the right as they can.
"""

from __future__ import annotations

from flowrt.expressions.jq import syntax as ast
from flowrt.expressions.jq.lexer import BINDING, END, FORMAT, IDENTIFIER, KEYWORDS, STRING_START, SyntaxFault, tokenize
from flowrt.expressions.jq.names import Refused
from flowrt.expressions.jq.terms import Terms

LEFT, RIGHT, NEITHER = "left", "right", "neither"
ASSIGNMENTS = ("=", "|=", "+=", "-=", "*=", "/=", "%=", "//=")
COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
PRECEDENCE: dict[str, tuple[int, str]] = {
    "//": (1, RIGHT),
    **dict.fromkeys(ASSIGNMENTS, (2, NEITHER)),
    "or": (3, LEFT),
    "and": (4, LEFT),
    **dict.fromkeys(COMPARISONS, (5, NEITHER)),
    **dict.fromkeys("+-", (6, LEFT)),
    **dict.fromkeys("*/%", (7, LEFT)),
}


def operation(operator: str, left: ast.Node, right: ast.Node) -> ast.Node:
    if operator == "//":
        return ast.Alternative(left, right)
    if operator in ("and", "or"):
        return ast.Logic(operator, left, right)
    if operator in ASSIGNMENTS:
        return ast.Assign(operator, left, right)
    return ast.Binary(operator, left, right)


class _Parser(Terms):
    def program(self) -> ast.Node:
        if self.next in ("import", "include", "module"):
            raise Refused(f"{self.next} may not be used: an expression cannot see files")
        node = self.query()
        if self.next != END:
            raise self.unexpected(self.take(), "the end of the program")
        return node

    def query(self) -> ast.Node:
        node = self._item()
        while self.accept(","):
            node = ast.Comma(node, self._item())
        return ast.Pipe(node, self.query()) if self.accept("|") else node

    def _item(self) -> ast.Node:
        if self.accept("def"):
            definition = self._definition()
            return ast.Define(definition, self.query())
        if self.accept("label"):
            name = self.expect(BINDING).text
            self.expect("|")
            return ast.Label(name, self.query())
        node = self.expression()
        if self.accept("as"):
            patterns = self.patterns()
            self.expect("|")
            return ast.Bind(node, patterns, self.query())
        return node

    def expression(self, floor: int = 0) -> ast.Node:
        node = self.postfix()
        barred = -1
        while True:
            level, side = PRECEDENCE.get(self.next, (-1, LEFT))
            if level < floor or level == -1:
                return node
            if level == barred:
                raise self.unexpected(self.take(), "no second comparison or assignment (use parentheses)")
            operator = self.take().kind
            node = operation(operator, node, self.expression(level if side == RIGHT else level + 1))
            barred = level if side == NEITHER else -1

    def _definition(self) -> ast.Definition:
        name = self.expect(IDENTIFIER).text
        parameters: list[str] = []
        if self.accept("("):
            parameters.append(self._parameter())
            while self.accept(";"):
                parameters.append(self._parameter())
            self.expect(")")
        self.expect(":")
        body = self.query()
        self.expect(";")
        return ast.Definition(name, tuple(parameters), body)

    def _parameter(self) -> str:
        token = self.expect(BINDING, IDENTIFIER)
        return "$" + token.text if token.kind == BINDING else token.text

    def patterns(self) -> tuple[ast.Pattern, ...]:
        patterns = [self._pattern()]
        while self.accept("?//"):
            patterns.append(self._pattern())
        return tuple(patterns)

    def _pattern(self) -> ast.Pattern:
        token = self.expect(BINDING, "[", "{")
        if token.kind == BINDING:
            return ast.VariablePattern(token.text)
        if token.kind == "[":
            items = [self._pattern()]
            while self.accept(","):
                items.append(self._pattern())
            self.expect("]")
            return ast.ArrayPattern(tuple(items))
        entries = [self._pattern_entry()]
        while self.accept(","):
            entries.append(self._pattern_entry())
        self.expect("}")
        return ast.ObjectPattern(tuple(entries))

    def _pattern_entry(self) -> tuple[ast.Node, str | None, ast.Pattern | None]:
        if self.next in (STRING_START, FORMAT):
            key = self.string()
        elif self.accept("("):
            key = self.query()
            self.expect(")")
        else:
            token = self.expect(BINDING, IDENTIFIER, *KEYWORDS)
            key = ast.Literal(token.text)
            if token.kind == BINDING:
                return key, token.text, self._pattern() if self.accept(":") else None
        self.expect(":")
        return key, None, self._pattern()


def parse(source: str) -> ast.Node:
    """The syntax tree of a program; raises `SyntaxFault`, or `Refused` for one of several files."""
    try:
        return _Parser(tokenize(source)).program()
    except RecursionError:
        raise SyntaxFault("the program is nested too deeply") from None
