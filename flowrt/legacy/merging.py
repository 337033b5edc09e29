"""Merging: how 0.8 brings results into the state data, as jq.

In 0.8 results are merged into the data of a state, in 1.0 a task's output replaces it. Objects are merged at every
depth and the result wins; arrays are joined, leaving out of the result what is there already; what differs in type is
left alone at the top, and replaced below.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flowrt.legacy.expressions import Expressions

Json = Any

MERGE = (
    'def merge($new): if type == "object" and ($new | type) == "object" '
    "then reduce ($new | keys_unsorted[]) as $key (.; .[$key] |= merge($new[$key])) "
    'elif type == "array" and ($new | type) == "array" then . + ($new - .) else $new end; '
)
REPLACE = 'def merge($new): if type == "object" and ($new | type) == "object" then . * $new else $new end; '


@dataclass(frozen=True, slots=True)
class Merging:
    """Writes expressions that merge. `replace_arrays`: shorter ones, in which the result's arrays win."""

    expressions: Expressions
    replace_arrays: bool = False

    def program(self, body: str) -> str:
        """A whole expression, with the definition it needs."""
        if "merge(" not in body:
            return body
        return (REPLACE if self.replace_arrays else MERGE) + body

    def into(self, result: str, to: str | None) -> str:
        """jq from the state data to the state data with `result`, a variable or a path of one, at `to`."""
        path = "." if to is None else self.expressions.bare(to)
        if path == ".":
            return f"if . == null or type == ({result} | type) then merge({result}) else . end"
        return f"{path} |= merge({result})"

    def filtered(self, value: str, filter_: Json) -> str:
        """jq of a value seen through a filter's expression."""
        return value if filter_ is None else f"({value} | {self.expressions.bare(filter_)})"


@dataclass(frozen=True, slots=True)
class Frame:
    """How the data of a sequence of actions is held.

    Plain: it is the state data. Paired, where sequences run side by side or round after round: an array of the state
    data and of nothing but the results so far, so that these can be brought together in the end.
    """

    paired: bool = False

    def read(self, source: str) -> str:
        """jq on the state data as jq on the frame's data."""
        if not self.paired:
            return source
        return ".[0]" if source == "." else f".[0] | {source}"

    def write(self, change: str) -> str:
        """jq on the state data as jq on the frame's data that changes it."""
        return f"map({change})" if self.paired else change


PLAIN, PAIRED = Frame(), Frame(paired=True)
