"""Compares JSON values for tests: where they first differ, in words."""

from __future__ import annotations

import json
from typing import Any

Json = Any


def differing(expected: Json, found: Json, path: str = "") -> str | None:
    """How a value differs from the one that is expected; None: not at all."""
    return _difference(expected, found, path, exact=True)


def missing(expected: Json, found: Json, path: str = "") -> str | None:
    """What a value lacks of the one that is expected: objects may have more members; None: nothing."""
    return _difference(expected, found, path, exact=False)


def _difference(expected: Json, found: Json, path: str, exact: bool) -> str | None:
    if isinstance(expected, dict) and isinstance(found, dict):
        for name, value in expected.items():
            if name not in found:
                return f"{path}/{name}: is missing"
            different = _difference(value, found[name], f"{path}/{name}", exact)
            if different is not None:
                return different
        more = [name for name in found if name not in expected] if exact else []
        return f"{path}/{more[0]}: was not expected" if more else None
    if isinstance(expected, list) and isinstance(found, list):
        for index, (value, other) in enumerate(zip(expected, found, strict=False)):
            different = _difference(value, other, f"{path}/{index}", exact)
            if different is not None:
                return different
        if len(expected) != len(found):
            return f"{path}: expected {len(expected)} items, got {len(found)}"
        return None
    if isinstance(expected, bool) is isinstance(found, bool) and expected == found:
        return None
    return f"{path}: expected {_text(expected)}, got {_text(found)}"


def _text(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 200 else text[:197] + "…"
