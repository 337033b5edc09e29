"""Rows by columns, for databases whose statements are written out here: what is the same in all rows is handled once.

In most commits that is half of the columns, and it is the columns that take the time: drivers look at each value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import repeat
from typing import Any

from sqlalchemy import Table
from sqlalchemy.types import TypeEngine

from flowrt.stores.sql.bulk import Row
from flowrt.stores.sql.text import escape

Values = Sequence[Any]
Write = Callable[[Values], Values]
"""Turns the values of a column into what the driver takes."""
Writes = tuple[tuple[type[TypeEngine[Any]], Write], ...]
"""By type of column; a type that is not there is written as it is."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The rows of one table, as the driver takes them."""

    values: dict[str, Values]
    """By the names of the columns; one that is the same in all rows has a single value."""
    count: int

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that there are."""
        return tuple(self.values)

    def without(self, *names: str) -> Columns:
        """The same without some columns."""
        return Columns({name: values for name, values in self.values.items() if name not in names}, self.count)

    def rows(self, *first: Any) -> Iterator[Row]:
        """The rows; each begins with the values of `first`."""
        columns = [*((value,) for value in first), *self.values.values()]
        return zip(*(repeat(each[0], self.count) if len(each) == 1 else each for each in columns), strict=True)


def columns_of(writes: Writes, table: Table, names: tuple[str, ...], rows: Sequence[Row], always: int = 0) -> Columns:
    """The rows, which are tuples in the order of `names`, without columns that would only say NULL.

    The first `always` of the names are there whatever they say.
    """
    found: dict[str, Values] = {}
    how = _how(writes, table, names)
    for place, (name, write, values) in enumerate(zip(names, how, zip(*rows, strict=True), strict=True)):
        if values[0] == values[-1] and values.count(values[0]) == len(values):
            if values[0] is None and place >= always:
                continue
            values = values[:1]
        found[name] = values if write is None else write(values)
    return Columns(found, len(rows))


def escaped(texts: Values) -> Values:
    """Texts as they are written; most need nothing done, which is soon known."""
    given = list(filter(None, texts))
    if all(map(str.isprintable, given)) and not any(map(str.endswith, given, repeat(" "))):
        return texts
    return [None if text is None else escape(text) for text in texts]


def each(write: Callable[[Any], Any]) -> Write:
    """Writes one value after the other, and NULL as it is."""
    return lambda values: [None if value is None else write(value) for value in values]


@cache
def _how(writes: Writes, table: Table, names: tuple[str, ...]) -> tuple[Write | None, ...]:
    by_type = dict(writes)
    return tuple(by_type.get(type(table.c[name].type)) for name in names)
