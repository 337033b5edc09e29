"""Rows by columns, and in portions: what a driver is given, and how much of it at once."""

from __future__ import annotations

from itertools import chain
from typing import Any

import pytest

from flowrt.stores.sql.bulk import in_powers_of_two, lengths, portions
from flowrt.stores.sql.columns import Writes, columns_of, each, escaped
from flowrt.stores.sql.tables import tables
from flowrt.stores.sql.types import Instant, KeyText

TASKS = tables(None, "sqlite").tasks
WRITES: Writes = ((KeyText, escaped), (Instant, each(lambda at: f"at {at:g}")))
NAMES = ("process_instance_id", "iteration", "instant", "next_position", "model", "context")
ROWS: list[tuple[Any, ...]] = [
    ("i1", 0, 5.0, "/a ", b"xx", None),
    ("i1", 1, None, None, None, None),
    ("i1", 1, 7.0, "/b\x00", b"yyy", None),
]


def test_what_is_the_same_stands_once_and_nothing_but_null_nowhere() -> None:
    found = columns_of(WRITES, TASKS, NAMES, ROWS)
    assert found.names == NAMES[:-1]
    assert list(found.values["process_instance_id"]) == ["i1"]
    assert list(found.rows("me")) == [
        ("me", "i1", 0, "at 5", "/a \x01\x01", b"xx"),
        ("me", "i1", 1, None, None, None),
        ("me", "i1", 1, "at 7", "/b\x01\x02", b"yyy"),
    ]
    assert found.without("instant", "model").names == ("process_instance_id", "iteration", "next_position")


def test_what_must_be_there_is_there() -> None:
    found = columns_of(WRITES, TASKS, NAMES, ROWS[1:2], always=3)
    assert found.names == NAMES[:3]
    assert list(found.rows()) == [("i1", 1, None)]


def test_bytes_are_counted_by_row() -> None:
    assert lengths(ROWS) == [2, 0, 3]
    assert lengths([("a", 1), ("b", 2)]) == [0, 0]


@pytest.mark.parametrize(
    ("most_rows", "most_bytes", "found"),
    [(5, 100, [3]), (2, 100, [2, 1]), (5, 4, [2, 1]), (5, 1, [1, 1, 1]), (1, 100, [1, 1, 1])],
)
def test_portions_are_as_large_as_they_may_be(most_rows: int, most_bytes: int, found: list[int]) -> None:
    made = list(portions(ROWS, most_rows, most_bytes))
    assert [len(portion) for portion in made] == found
    assert list(chain.from_iterable(made)) == ROWS


def test_powers_of_two() -> None:
    rows: list[tuple[Any, ...]] = [(number,) for number in range(23)]
    made = list(in_powers_of_two(rows, 8))
    assert [len(portion) for portion in made] == [8, 8, 4, 2, 1]
    assert list(chain.from_iterable(made)) == rows
