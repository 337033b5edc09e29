"""The JSON Schema of definitions, for editors: what stands where, as far as a schema can tell.

What the compiler accepts is valid here, too. The compiler knows more: names that must be unique or defined, expressions
that must compile. The parts lie beside this file, one file for each duty; `PARTS` is the list of them.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from flowrt.compiler.document import read

Json = Any

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ID = "urn:flowrt:schema:1.0.3"
PARTS = ("document", "use", "schedule", "tasks", "calls", "asyncapi", "run", "events", "try", "data", "authentication")
ROOT = "workflow"
"""The definition that a whole document is."""


def schema() -> dict[str, Json]:
    """The schema as one document, which refers to nothing outside itself."""
    definitions: dict[str, Json] = {}
    for part in PARTS:
        definitions |= part_of(part)
    workflow = definitions.pop(ROOT)
    return {"$schema": DIALECT, "$id": ID, **workflow, "$defs": definitions}


def part_of(name: str) -> dict[str, Json]:
    """The definitions of one part by name."""
    definitions: dict[str, Json] = read(files(__name__).joinpath(f"{name}.yaml").read_bytes()).data
    return definitions
