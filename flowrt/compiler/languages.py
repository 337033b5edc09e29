"""What a definition may lean on outside itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from flowrt.core.expression import Expression

CompileExpression = Callable[[str], Expression]


@dataclass(frozen=True, slots=True)
class Languages:
    """What a definition may lean on outside itself."""

    expressions: Mapping[str, CompileExpression]
    """Expression languages by name; `jq` must be one."""
    functions: Callable[[str], bool] = lambda name: False
    """Whether a Python function of that name is registered."""
    resources: Mapping[str, bytes] = field(default_factory=dict)
    """External documents by URI, fetched beforehand."""
    default_catalog: str | None = None
    """Root URI of the catalog `default`."""
