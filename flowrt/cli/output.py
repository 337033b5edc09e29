"""Output: JSON for programs, tables for people, problems on stderr; and the way out of a verb that failed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import orjson

Json = Any


def print_json(value: Json) -> None:
    """JSON on stdout, indented."""
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")


def fail(code: int, *lines: str) -> NoReturn:
    """Says why on stderr and ends with an exit code."""
    for line in lines:
        print(line, file=sys.stderr)
    sys.exit(code)


def print_table(headers: Sequence[str], rows: Sequence[Sequence[str]], none: str) -> None:
    """Columns as wide as their content; `none` when there are no rows."""
    if not rows:
        print(none)
        return
    widths = [max(len(row[column]) for row in (headers, *rows)) for column in range(len(headers))]
    for row in (headers, *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def shorten(value: Json, length: int = 60) -> str:
    """A value on one short line."""
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= length else text[: length - 1] + "…"
