"""Waiting: a task that listens, and what happens when nothing arrives in time."""

from __future__ import annotations

import json
from typing import Any

from flowrt.legacy.errors import TIMEOUT

Json = Any


def in_time(listen: Json, name: str, limit: str, late: Json | None) -> dict[str, Json]:
    """Listens at most that long; then `late` stands for it. Without `late` the data stays as it was.

    The timeout of another task is not caught: the one meant is told by its position.
    """
    return {"try": [{name: {**listen, "timeout": {"after": limit}}}], "catch": not_in_time(name, late)}


def not_in_time(name: str, late: Json | None) -> dict[str, Json]:
    """The `catch` for the timeout of the task of that name."""
    pointer = "/" + name.replace("~", "~0").replace("/", "~1")
    catch: dict[str, Json] = {
        "errors": {"with": {"type": TIMEOUT}},
        "when": f"${{ .instance | endswith({json.dumps(pointer)}) }}",
    }
    return catch if late is None else {**catch, "do": [{"not in time": late}]}
