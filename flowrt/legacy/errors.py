"""Errors: the error definitions of 0.8 as conditions on the problem details of 1.0."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from flowrt.legacy.source import Source

Json = Any

TIMEOUT = "https://serverlessworkflow.io/spec/1.0.0/errors/timeout"
EVERY = ("*", "DefaultErrorRef")
STATUS = re.compile(r"[1-5]\d\d")


def references(handler: Json) -> list[str]:
    """The errors that an `onErrors` entry names."""
    refs = handler.get("errorRefs") or [handler.get("errorRef")]
    return [str(ref) for ref in refs]


def condition(source: Source, refs: Sequence[str], where: str) -> str:
    """jq on the error that is true of any of these."""
    tests = [_condition(source, ref, where) for ref in refs]
    return "true" if "true" in tests else " or ".join(dict.fromkeys(tests))


def catching(source: Source, refs: Sequence[str], where: str) -> dict[str, Json]:
    """The members of a `catch` for these errors."""
    test = condition(source, refs, where)
    if test == "true":
        return {}
    if match := re.fullmatch(r"\.status == (\d+)", test):
        return {"errors": {"with": {"status": int(match[1])}}}
    return {"when": f"${{ {test} }}"}


def _condition(source: Source, ref: str, where: str) -> str:
    if ref in EVERY:
        return "true"
    code = str(source.find("errors", ref, where).get("code") or "")
    if STATUS.fullmatch(code):
        return f".status == {code}"
    if "://" in code:
        return f".type == {json.dumps(code)}"
    known = code or ref
    if re.search(r"time[ _-]?out", known, re.IGNORECASE):
        return f".type == {json.dumps(TIMEOUT)}"
    source.notes.add(
        where,
        f"which errors '{ref}' means, 0.8 leaves to the runtime; those whose title or detail is '{known}' are taken",
    )
    return f"(.title == {json.dumps(known)} or .detail == {json.dumps(known)})"
