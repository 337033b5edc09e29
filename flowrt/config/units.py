"""Units: durations and sizes as configuration files write them."""

from __future__ import annotations

import re
from typing import Any

from flowrt.core import duration

SHORT = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
SHORT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
SIZE = re.compile(r"(\d+)\s*(B|KB|MB|GB|KiB|MiB|GiB)?")
SIZES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def to_seconds(value: Any) -> float | None:
    """Seconds of `7d`, `PT5M`, a DSL duration or a number of seconds; None if it is no duration."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if value >= 0 else None
    if isinstance(value, str) and (match := SHORT.fullmatch(value.strip())):
        return float(match[1]) * SHORT_S[match[2]]
    return duration.from_json(value)


def to_bytes(value: Any) -> int | None:
    """Bytes of `16MiB` or a number; None if it is no size."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if value >= 0 else None
    if isinstance(value, str) and (match := SIZE.fullmatch(value.strip())):
        return int(match[1]) * SIZES[match[2] or "B"]
    return None
