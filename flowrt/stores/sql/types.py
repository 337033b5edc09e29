"""Column types: how a value of ours is written to and read from each database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Double, Integer, LargeBinary, SmallInteger, String
from sqlalchemy.types import TypeDecorator, TypeEngine

from flowrt.stores.sql.text import escape, unescape

_LAST_SECOND = 253402300799.0
_ISO = ("sqlite", "mssql")
"""Databases that are given points in time as text."""


def instant(at: float | None) -> float | None:
    """The time, if a calendar has it: deadlines may lie beyond the year 9999."""
    return at if at is not None and 0.0 <= at <= _LAST_SECOND else None


class KeyText(TypeDecorator[str]):
    """Text that is compared: escaped (see `flowrt.stores.sql.text`)."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else escape(value, dialect.name == "oracle")

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else unescape(value)


class Instant(TypeDecorator[float]):
    """Epoch seconds, kept as the database's own point in time at microsecond precision."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name in _ISO:
            return dialect.type_descriptor(String())
        return dialect.type_descriptor(DateTime(timezone=dialect.name != "mysql"))

    def process_bind_param(self, value: float | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        at = datetime.fromtimestamp(value, UTC)
        if dialect.name in _ISO:
            return at.isoformat(timespec="microseconds")
        return at.replace(tzinfo=None) if dialect.name == "mysql" else at


__all__ = [
    "BigInteger",
    "Double",
    "Instant",
    "Integer",
    "KeyText",
    "LargeBinary",
    "SmallInteger",
    "instant",
]
