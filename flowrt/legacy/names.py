"""Names: those of 0.8 as DSL 1.0 allows them."""

from __future__ import annotations

import re
from collections.abc import Container

SEMANTIC = re.compile(r"(0|[1-9]\d*)(?:\.(0|[1-9]\d*))?(?:\.(0|[1-9]\d*))?(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")
DIRECTIVES = ("continue", "exit", "end")


def workflow_name(text: str) -> str:
    """A workflow's name: letters, digits and hyphens, at most 63."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")[:63].strip("-") or "workflow"


def semantic_version(text: str | None) -> str:
    """A semantic version: `2` is 2.0.0; what is none is 1.0.0."""
    match = SEMANTIC.fullmatch((text or "").strip())
    if match is None:
        return "1.0.0"
    major, minor, patch, pre, build = match.groups()
    return f"{major}.{minor or 0}.{patch or 0}{pre or ''}{build or ''}"


def task_name(text: str) -> str:
    """A task's name: that of a flow directive would be taken for it."""
    return f"{text} state" if text in DIRECTIVES else text


def unique(name: str, taken: Container[str]) -> str:
    """The name, or the name with the first number that makes it new."""
    candidate, number = name, 2
    while candidate in taken:
        candidate, number = f"{name} {number}", number + 1
    return candidate


def attribute_name(text: str) -> str:
    """A CloudEvents attribute: lower-case letters and digits."""
    return re.sub(r"[^a-z0-9]", "", text.lower())
