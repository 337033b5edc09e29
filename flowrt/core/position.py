"""Position: where a task stands in its definition, as an RFC 6901 JSON pointer with a leading slash.

Positions are built while compiling and never searched for: `/do/0/pay`, `/do/4/loop/do/0/x`.
"""

from __future__ import annotations


def child(position: str, *tokens: str | int) -> str:
    """The pointer below `position`; `~` and `/` in a token are escaped (RFC 6901, section 3)."""
    for token in tokens:
        text = token.replace("~", "~0").replace("/", "~1") if isinstance(token, str) else str(token)
        position = f"{position}/{text}"
    return position
