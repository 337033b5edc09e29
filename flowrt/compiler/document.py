"""Documents: YAML 1.2 or JSON text as JSON data, with the line of everything in it.

PyYAML parses; its YAML 1.1 reading of plain scalars (`on` as a boolean, `1:30` as a number) is replaced by the core
schema of YAML 1.2 (section 10.3.2). Bombs are refused: size, depth, and the nodes that aliases expand to are bounded.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from flowrt.core import position
from flowrt.core.build import Problem

Json = Any

MAX_BYTES = 2 * 1024 * 1024
MAX_DEPTH = 96
MAX_NODES = 100_000

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
STANDARD_TAGS = "tag:yaml.org,2002:"
_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NUMBERS: list[tuple[re.Pattern[str], Callable[[str], Json]]] = [
    (re.compile(r"[-+]?[0-9]+"), int),
    (re.compile(r"0o[0-7]+"), lambda text: int(text[2:], 8)),
    (re.compile(r"0x[0-9a-fA-F]+"), lambda text: int(text[2:], 16)),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
]


class Unreadable(Exception):
    """The text is no document; `problem` says why, `line` and `column` (from 1) where."""

    def __init__(self, message: str, remedy: str = "", line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.problem = Problem("/", message, remedy)
        self.line, self.column = line, column


@dataclass(slots=True)
class Document:
    """The data of a text, and where each pointer stands in it: line and column, from 1."""

    data: Json
    marks: dict[str, tuple[int, int]] = field(default_factory=dict)

    def mark(self, pointer: str) -> tuple[int, int] | None:
        """Where a pointer stands, or the nearest thing around it."""
        while pointer not in self.marks:
            if not pointer or pointer == "/":
                return self.marks.get("")
            pointer = pointer.rpartition("/")[0]
        return self.marks[pointer]


def read(text: str | bytes) -> Document:
    """Reads one document. Raises `Unreadable`."""
    if len(text) > MAX_BYTES:
        raise Unreadable(f"the document has {len(text)} bytes, at most {MAX_BYTES} are read", "Split it.")
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise Unreadable(f"the document is not UTF-8: {error}", "Save it as UTF-8.") from None
    try:
        _check_depth(text)
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (None, None)
        said = ", ".join(part for part in (error.context, error.problem) if part)
        raise Unreadable(f"this is not YAML: {said}", "", line, column) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Unreadable(f"this is not YAML: {error}") from None
    if node is None:
        raise Unreadable("the document is empty", "Write a workflow: document, do.")
    document = Document(None)
    document.data = _Construction(document.marks).value(node, "", 0)
    return document


def _check_depth(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                mark = event.start_mark
                assert mark is not None
                raise Unreadable(
                    f"the document is nested deeper than {MAX_DEPTH} levels",
                    "Move inner parts into functions or sub-workflows.",
                    mark.line + 1,
                    mark.column + 1,
                )
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Construction:
    """Builds JSON data from YAML nodes."""

    def __init__(self, marks: dict[str, tuple[int, int]]) -> None:
        self.marks = marks
        self.nodes = 0

    def value(self, node: Node, pointer: str, depth: int) -> Json:
        self.nodes += 1
        mark = node.start_mark
        if self.nodes > MAX_NODES or depth > MAX_DEPTH:
            raise Unreadable(
                "the document expands to too much (aliases within aliases?)",
                f"At most {MAX_NODES} nodes and {MAX_DEPTH} levels are read.",
                mark.line + 1,
                mark.column + 1,
            )
        self.marks.setdefault(pointer, (mark.line + 1, mark.column + 1))
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        if isinstance(node, SequenceNode):
            return [self.value(item, f"{pointer}/{index}", depth + 1) for index, item in enumerate(node.value)]
        assert isinstance(node, MappingNode)
        return self._mapping(node, pointer, depth)

    def _mapping(self, node: MappingNode, pointer: str, depth: int) -> Json:
        result: dict[str, Json] = {}
        for key_node, value_node in node.value:
            mark = key_node.start_mark
            if not isinstance(key_node, ScalarNode):
                raise Unreadable("a key must be a string", "", mark.line + 1, mark.column + 1)
            key = key_node.value
            if key in result:
                raise Unreadable(f"the key '{key}' stands twice in one object", "", mark.line + 1, mark.column + 1)
            below = position.child(pointer, key)
            self.marks[below] = (mark.line + 1, mark.column + 1)
            result[key] = self.value(value_node, below, depth + 1)
        return result

    @staticmethod
    def _scalar(node: ScalarNode) -> Json:
        text: str = node.value
        mark = node.start_mark
        try:
            return plain(text) if node.style in (None, "") and node.tag.startswith(STANDARD_TAGS) else text
        except ValueError as error:
            raise Unreadable(f"'{text[:40]}' cannot be read: {error}", "", mark.line + 1, mark.column + 1) from None


def plain(text: str) -> Json:
    """A plain scalar by the core schema of YAML 1.2; infinities and NaN, which JSON lacks, stay text."""
    if text in _NULL:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    for pattern, number in _NUMBERS:
        if pattern.fullmatch(text):
            value = number(text)
            return text if isinstance(value, float) and not math.isfinite(value) else value
    return text
