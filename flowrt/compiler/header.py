"""The header of a definition: `document`, what it is called and which DSL it is written in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from flowrt.core.reader import Reader

NAME = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?")
VERSION = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(?:-(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?"
    r"(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?"
)
_DSL = re.compile(r"1\.0\.\d+(-.+)?")
_NAMED = "a name of letters, digits and inner hyphens (at most 63)"
_VERSIONED = "a semantic version such as 1.0.0 (a string)"


@dataclass(frozen=True, slots=True)
class Header:
    """What a workflow is called."""

    namespace: str = ""
    name: str = ""
    version: str = ""
    tags: dict[str, str] = field(default_factory=dict)


def read_header(root: Reader) -> Header:
    """The header of a whole document (dsl-reference, "Document")."""
    document = root.get("document")
    if document is None:
        return Header()
    required = ("dsl", "namespace", "name", "version")
    document.object((*required, "title", "summary", "tags", "metadata"), required=required)
    dsl = document.get("dsl")
    if dsl is not None and not (isinstance(dsl.value, str) and _DSL.fullmatch(dsl.value)):
        shown = dsl.value if isinstance(dsl.value, str) else repr(dsl.value)
        dsl.problem(f"the DSL version {shown} is not one this runtime reads (1.0.x)", "Write dsl: '1.0.3'")
    tags = document.get("tags")
    return Header(
        _word(document, "namespace", NAME, _NAMED),
        _word(document, "name", NAME, _NAMED),
        _word(document, "version", VERSION, _VERSIONED),
        {key: str(tag.value) for key, tag in tags.members()} if tags is not None else {},
    )


def _word(document: Reader, member: str, pattern: re.Pattern[str], what: str) -> str:
    found = document.get(member)
    return found.string(lambda text: pattern.fullmatch(text) is not None, what) if found is not None else ""
