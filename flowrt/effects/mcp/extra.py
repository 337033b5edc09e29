"""Whether the package of the extra `mcp` is there; it is imported only where a call needs it."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

MISSING = "call: mcp needs the extra: pip install 'flowrt[mcp]'"


@cache
def is_missing() -> bool:
    return find_spec("mcp") is None
