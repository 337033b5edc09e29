"""Whether the package of the extra `a2a` is there; it is imported only where a call needs it."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

MISSING = "call: a2a needs the extra: pip install 'flowrt[a2a]'"


@cache
def is_missing() -> bool:
    return find_spec("a2a") is None
