"""Writing: a converted definition as text, with its notes as comments on top."""

from __future__ import annotations

from typing import Any

from flowrt.legacy.conversion import Converted

Json = Any
WIDTH = 120


def to_yaml(converted: Converted, name: str) -> str:
    """YAML; `name` says what it was converted from."""
    import yaml

    class Plain(yaml.SafeDumper):
        """Writes what stands in several places several times, so that each can be edited by itself."""

        def ignore_aliases(self, data: Json) -> bool:
            return True

    head = [f"# Converted from {name} (Serverless Workflow 0.8)."]
    if converted.notes:
        head += ["# To be looked at, by the place in that document:", *(f"#   {note}" for note in converted.notes)]
    body = yaml.dump(converted.definition, Dumper=Plain, sort_keys=False, allow_unicode=True, width=WIDTH)
    return "\n".join([*head, body])


def to_json(converted: Converted) -> str:
    """JSON, which has no comments."""
    import json

    return json.dumps(converted.definition, indent=2, ensure_ascii=False) + "\n"
