"""Rows as a driver takes them, for databases whose statements are written out here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any

from sqlalchemy import Table

from flowrt.stores.sql.bulk import Row
from flowrt.stores.sql.text import escape
from flowrt.stores.sql.types import Instant, KeyText

Write = Callable[[Any], Any]
Written = tuple[tuple[int, Write | None], ...]
"""Places of the columns that are not written as they are; None: texts."""


def written(table: Table, columns: tuple[str, ...], calendar: Write) -> Written:
    """How the columns are written; `calendar` writes points in time."""
    found: list[tuple[int, Write | None]] = []
    for place, name in enumerate(columns):
        if isinstance(table.c[name].type, KeyText):
            found.append((place, None))
        elif isinstance(table.c[name].type, Instant):
            found.append((place, calendar))
    return tuple(found)


def converted(application: str, how: Written, columns: Sequence[Sequence[Any]]) -> list[Row]:
    """Rows, each with its application first, of the values of each column."""
    arrays = list(columns)
    for place, write in how:
        if write is None:
            arrays[place] = escaped(arrays[place])
        else:
            arrays[place] = [None if value is None else write(value) for value in arrays[place]]
    return list(zip(repeat(application, len(arrays[0])), *arrays, strict=True))


def escaped(texts: Sequence[str | None]) -> Sequence[str | None]:
    """The texts as they are written; most need nothing done, which is soon known."""
    given = list(filter(None, texts))
    if all(map(str.isprintable, given)) and not any(map(str.endswith, given, repeat(" "))):
        return texts
    return [None if text is None else escape(text) for text in texts]
