"""Whether the packages of the extra `grpc` are there; they are imported only where a call needs them."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

MISSING = "call: grpc needs the extra: pip install 'flowrt[grpc]'"

_PACKAGES = ("grpc", "grpc_tools", "grpc_reflection")


@cache
def is_missing() -> bool:
    return any(find_spec(package) is None for package in _PACKAGES)
