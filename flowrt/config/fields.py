"""Fields: what the settings classes say of a setting besides its type and default."""

from __future__ import annotations

from dataclasses import field
from typing import Any


def named(key: str, default: Any = None, **options: Any) -> Any:
    """A setting whose key is not its name in kebab case."""
    return field(default=default, metadata={"key": key, **options})


def duration(default: float | None) -> Any:
    """A duration in seconds."""
    return field(default=default, metadata={"duration": True})


def size(default: int) -> Any:
    """A size in bytes."""
    return field(default=default, metadata={"size": True})


def secret(key: str, **options: Any) -> Any:
    """A value that is never shown."""
    return field(default=None, repr=False, metadata={"key": key, "secret": True, **options})
