"""Writing many rows with one statement of each kind: what a database must be able to do, and how most do it.

Every statement is confined to one application. Rows are tuples in the order of the named columns.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Connection, Table, and_, bindparam, delete, func, insert, select, update
from sqlalchemy.sql.dml import Delete, Insert, Update

from flowrt.stores.sql.tables import COMPLETED

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Where:
    """Which rows: equal in `key`, smaller in `below`, completed tasks or live ones."""

    key: tuple[str, ...]
    below: str | None = None
    completed: bool | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """What a row of values gives."""
        return self.key if self.below is None else (*self.key, self.below)


@dataclass(frozen=True, slots=True)
class Change:
    """What an update sets: `columns`, and `kept` where the new value is not NULL."""

    columns: tuple[str, ...]
    kept: tuple[str, ...] = ()

    def of(self, names: Collection[str]) -> Change:
        """The change, with only those of the kept columns that are among the names."""
        return Change(self.columns, tuple(name for name in self.kept if name in names))


@dataclass(frozen=True, slots=True)
class Standing:
    """What the store holds of an instance."""

    revision: int
    token: int
    tags: bytes | None


class Unexpected(Exception):
    """The store may hold something else than a commit has taken for granted; nothing of it must stay written."""


class Verbs(Protocol):
    """The verbs a commit is made of."""

    def insert(self, connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
        """Adds rows."""
        ...

    def put(
        self, connection: Connection, table: Table, key: tuple[str, ...], columns: tuple[str, ...], rows: Sequence[Row]
    ) -> None:
        """Adds rows, or replaces those of the same key; `columns` are those beside the key."""
        ...

    def update(self, connection: Connection, table: Table, where: Where, change: Change, rows: Sequence[Row]) -> None:
        """Changes rows; each gives the values of `where`, then of `change.columns`, then of `change.kept`."""
        ...

    def delete(self, connection: Connection, table: Table, where: Where, rows: Sequence[Row]) -> None:
        """Removes rows."""
        ...

    def copy(
        self,
        connection: Connection,
        source: Table,
        target: Table,
        columns: tuple[str, ...],
        where: Where,
        rows: Sequence[Row],
    ) -> None:
        """Adds to `target` what `source` has."""
        ...


class Together(Verbs, Protocol):
    """Gathers the verbs of one commit that has looked at nothing before."""

    def write(self, connection: Connection) -> bool:
        """Does them, unless that cannot be. Raises `Unexpected` where token or instances are not as expected."""
        ...


class Bulk(Verbs, Protocol):
    """What does each verb at once."""

    def together(self, connection: Connection, expected: Mapping[str, Standing], token: int) -> Together | None:
        """What does all verbs of a commit with fewer messages; None where that cannot be.

        `expected` is what is held of the instances that the commit changes; it adds all others.
        """
        ...


def portions(rows: Sequence[Row], most_rows: int, most_bytes: int) -> Iterator[Sequence[Row]]:
    """The rows in portions that a server takes as one message; a single larger row goes by itself."""
    if len(rows) <= most_rows and sum(sizes(rows)) <= most_bytes:
        yield rows
        return
    start = size = 0
    for place, length in enumerate(lengths(rows)):
        if place > start and (size + length > most_bytes or place - start >= most_rows):
            yield rows[start:place]
            start, size = place, 0
        size += length
    if start < len(rows):
        yield rows[start:]


def in_powers_of_two(rows: Sequence[Row], most: int) -> Iterator[Sequence[Row]]:
    """The rows in portions of 1, 2, 4, … up to `most`, so that there are few statements to prepare."""
    start = 0
    while start < len(rows):
        count = min(most, 1 << (len(rows) - start).bit_length() - 1)
        yield rows[start : start + count]
        start += count


def lengths(rows: Sequence[Row]) -> list[int]:
    """How many bytes each row has in columns that hold bytes."""
    columns = [[len(value or b"") for value in values] for values in zip(*rows, strict=True) if any(size_of(values))]
    return list(map(sum, zip(*columns, strict=True))) if columns else [0] * len(rows)


def sizes(rows: Sequence[Row]) -> Iterator[int]:
    """The lengths of the values that are bytes, in columns that hold nothing else but NULL."""
    for values in zip(*rows, strict=True):
        yield from size_of(values)


def size_of(column: Sequence[Any]) -> Iterable[int]:
    """The lengths of the values of one column, if they are bytes."""
    given = list(filter(None, column))
    return map(len, given) if given and given[0].__class__ is bytes else ()


class PortableBulk:
    """With the driver's executemany."""

    most_rows = 5_000
    most_bytes = 64 * 1024 * 1024

    def __init__(self, application: str) -> None:
        self._application = application

    def insert(self, connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
        self._execute(connection, _insert(table, columns), columns, rows)

    def put(
        self, connection: Connection, table: Table, key: tuple[str, ...], columns: tuple[str, ...], rows: Sequence[Row]
    ) -> None:
        self.delete(connection, table, Where(key), [row[: len(key)] for row in rows])
        self.insert(connection, table, (*key, *columns), rows)

    def update(self, connection: Connection, table: Table, where: Where, change: Change, rows: Sequence[Row]) -> None:
        columns = (*where.columns, *change.columns, *change.kept)
        self._execute(connection, _update(table, where, change), columns, rows)

    def delete(self, connection: Connection, table: Table, where: Where, rows: Sequence[Row]) -> None:
        self._execute(connection, _delete(table, where), where.columns, rows)

    def copy(
        self,
        connection: Connection,
        source: Table,
        target: Table,
        columns: tuple[str, ...],
        where: Where,
        rows: Sequence[Row],
    ) -> None:
        self._execute(connection, _copy(source, target, columns, where), where.columns, rows)

    def together(self, connection: Connection, expected: Mapping[str, Standing], token: int) -> None:
        """Every verb is a statement of its own."""

    def _execute(
        self, connection: Connection, statement: Insert | Update | Delete, columns: tuple[str, ...], rows: Sequence[Row]
    ) -> None:
        names = [f"new_{name}" for name in columns]
        for portion in portions(rows, self.most_rows, self.most_bytes):
            parameters = [dict(zip(names, row, strict=True)) for row in portion]
            for each in parameters:
                each["application"] = self._application
            connection.execute(statement, parameters)


def matches(table: Table, where: Where) -> ColumnElement[bool]:
    """The condition of one row of values, bound by the names `new_<column>`."""
    conditions = [table.c.application_id == bindparam("application", type_=table.c.application_id.type)]
    conditions += [table.c[name] == new_value(table, name) for name in where.key]
    if where.below is not None:
        conditions.append(table.c[where.below] < new_value(table, where.below))
    if where.completed is not None:
        type_ = table.c.task_type
        conditions.append(type_ == COMPLETED if where.completed else type_ != COMPLETED)
    return and_(*conditions)


def new_value(table: Table, name: str) -> ColumnElement[Any]:
    """The parameter for a column."""
    return bindparam(f"new_{name}", type_=table.c[name].type)


@cache
def _insert(table: Table, columns: tuple[str, ...]) -> Insert:
    application = bindparam("application", type_=table.c.application_id.type)
    return insert(table).values({"application_id": application, **{name: new_value(table, name) for name in columns}})


@cache
def _update(table: Table, where: Where, change: Change) -> Update:
    values: dict[str, Any] = {name: new_value(table, name) for name in change.columns}
    values |= {name: func.coalesce(new_value(table, name), table.c[name]) for name in change.kept}
    return update(table).where(matches(table, where)).values(values)


@cache
def _delete(table: Table, where: Where) -> Delete:
    return delete(table).where(matches(table, where))


@cache
def _copy(source: Table, target: Table, columns: tuple[str, ...], where: Where) -> Insert:
    names = ("application_id", *columns)
    return insert(target).from_select(names, select(*(source.c[name] for name in names)).where(matches(source, where)))


__all__ = [
    "Bulk",
    "Change",
    "PortableBulk",
    "Row",
    "Standing",
    "Together",
    "Unexpected",
    "Verbs",
    "Where",
    "in_powers_of_two",
    "lengths",
    "matches",
    "new_value",
    "portions",
    "size_of",
    "sizes",
]
