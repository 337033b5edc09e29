"""Cuts the text of a jq program into tokens.

Strings nest programs (`"a\\(.b)"`) and programs nest strings, so the lexer keeps a stack of what is open; a closing
bracket that does not match is an error here already, as it is in jq.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from dataclasses import dataclass


class SyntaxFault(Exception):
    """The program is not jq; the message says what and where."""


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is the token's own text for keywords and operators, else one of the names below."""

    kind: str
    text: str
    line: int
    column: int


IDENTIFIER, FIELD, BINDING, NUMBER, FORMAT = "identifier", "field", "binding", "number", "format"
STRING_START, STRING_TEXT, STRING_END = "string start", "string text", "string end"
INTERPOLATION_START, INTERPOLATION_END = "interpolation start", "interpolation end"
END = "end of program"
LOCATION = "$__loc__"

KEYWORDS = frozenset({
    "as", "def", "module", "import", "include", "if", "then", "else", "elif", "reduce", "foreach", "end", "and",
    "or", "try", "catch", "label", "break",
})  # fmt: skip

_NAME = r"(?:[a-zA-Z_][a-zA-Z_0-9]*::)*[a-zA-Z_][a-zA-Z_0-9]*"
_TOKEN = re.compile(
    rf"""
    (?P<space>[ \r\n\t]+)
  | (?P<comment>\#(?:\\(?:\\|\r?\n)|[^\n])*)
  | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
  | (?P<field>\.[a-zA-Z_][a-zA-Z_0-9]*)
  | (?P<identifier>{_NAME})
  | (?P<binding>\${_NAME})
  | (?P<format>@[a-zA-Z0-9_]+)
  | (?P<operator>\?//|//=|\.\.|!=|==|//|\|=|\+=|-=|\*=|/=|%=|<=|>=|[.?=;,:|+\-*/%$<>"\[\](){{}}])
    """,
    re.VERBOSE,
)
_STRING_PIECE = re.compile(
    r'(?P<end>")|(?P<open>\\\()|(?P<escapes>(?:\\[^u(]|\\u[a-zA-Z0-9]{0,4})+)|(?P<plain>[^\\"]+)'
)
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_INTERPOLATION = "\\("


class _Lexer:
    def __init__(self, source: str) -> None:
        self.source = source
        self.offset = 0
        self.open: list[str] = []
        self.tokens: list[Token] = []
        self.line_starts = [0, *(match.end() for match in re.finditer("\n", source))]

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column, both from 1."""
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1

    def add(self, kind: str, text: str, offset: int) -> None:
        self.tokens.append(Token(kind, text, *self.place(offset)))

    def fault(self, problem: str) -> SyntaxFault:
        line, column = self.place(self.offset)
        return SyntaxFault(f"{problem}, line {line}, column {column}")

    def run(self) -> list[Token]:
        while self.offset < len(self.source):
            if self.open and self.open[-1] == '"':
                self.string_piece()
            else:
                self.token()
        self.add(END, "", self.offset)
        return self.tokens

    def token(self) -> None:
        match = _TOKEN.match(self.source, self.offset)
        if match is None:
            raise self.fault(f"unexpected character {self.source[self.offset]!r}")
        group, text, offset = match.lastgroup, match.group(), self.offset
        if group == "operator":
            self.operator(text)
        elif group == "identifier":
            self.add(text if text in KEYWORDS else IDENTIFIER, text, offset)
        elif group == "binding":
            self.add(LOCATION if text == LOCATION else BINDING, text[1:], offset)
        elif group in ("field", "format"):
            self.add(str(group), text[1:], offset)
        elif group == "number":
            self.add(NUMBER, text, offset)
        self.offset = match.end()

    def operator(self, text: str) -> None:
        if text == '"':
            self.open.append('"')
            self.add(STRING_START, text, self.offset)
        elif text in _CLOSING:
            self.open.append(text)
            self.add(text, text, self.offset)
        elif text in _CLOSING.values():
            opened = self.open.pop() if self.open else ""
            if text == ")" and opened == _INTERPOLATION:
                self.add(INTERPOLATION_END, text, self.offset)
            elif _CLOSING.get(opened) == text:
                self.add(text, text, self.offset)
            else:
                raise self.fault(f"unexpected {text!r}")
        else:
            self.add(text, text, self.offset)

    def string_piece(self) -> None:
        match = _STRING_PIECE.match(self.source, self.offset)
        if match is None:
            raise self.fault("unfinished escape in a string")
        if match.lastgroup == "end":
            self.open.pop()
            self.add(STRING_END, '"', self.offset)
        elif match.lastgroup == "open":
            self.open.append(_INTERPOLATION)
            self.add(INTERPOLATION_START, match.group(), self.offset)
        elif match.lastgroup == "escapes":
            self.add(STRING_TEXT, self.unescape(match.group()), self.offset)
        else:
            self.add(STRING_TEXT, match.group(), self.offset)
        self.offset = match.end()

    def unescape(self, escapes: str) -> str:
        try:
            text = str(json.loads(f'"{escapes}"'))
            text.encode()
        except ValueError as error:
            raise self.fault(f"invalid escape in a string: {escapes}") from error
        return text


def tokenize(source: str) -> list[Token]:
    """The program's tokens, the last of kind END; raises `SyntaxFault`."""
    return _Lexer(source).run()
