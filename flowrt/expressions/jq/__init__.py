"""The jq expression language: programs compiled to Python closures where possible, to libjq where not.

`compile` decides once, when a definition is loaded. Importing this package does not load libjq.
"""

from __future__ import annotations

from flowrt.expressions.jq.compiler import compile, explain
from flowrt.expressions.jq.watchdog import close, set_deadline

__all__ = ["close", "compile", "explain", "set_deadline"]
