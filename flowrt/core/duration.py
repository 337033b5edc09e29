"""Durations: the DSL's objects and ISO 8601 strings as seconds.

Source: dsl-reference.md, "Duration". A year counts 365 days and a month 30, since a wait has no calendar.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

UNITS_S = {"days": 86400.0, "hours": 3600.0, "minutes": 60.0, "seconds": 1.0, "milliseconds": 0.001}

_NUMBER = r"(\d+(?:[.,]\d+)?)"
_ISO = re.compile(
    rf"P(?!$)(?:{_NUMBER}Y)?(?:{_NUMBER}M)?(?:{_NUMBER}W)?(?:{_NUMBER}D)?"
    rf"(?:T(?=\d)(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?"
)
_ISO_S = (365 * 86400, 30 * 86400, 7 * 86400, 86400, 3600, 60, 1)


def from_iso(text: str) -> float | None:
    """Seconds of an ISO 8601 duration, or None if it is none."""
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    return sum(float(part.replace(",", ".")) * unit for part, unit in zip(match.groups(), _ISO_S, strict=True) if part)


def from_json(value: Any) -> float | None:
    """Seconds of a duration as the DSL writes it (object or ISO 8601 string), or None if it is none."""
    if isinstance(value, str):
        return from_iso(value)
    if not isinstance(value, Mapping) or not value:
        return None
    total = 0.0
    for unit, amount in value.items():
        if unit not in UNITS_S or isinstance(amount, bool) or not isinstance(amount, int | float) or amount < 0:
            return None
        total += amount * UNITS_S[unit]
    return total
