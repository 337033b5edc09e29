"""GraphQL: the text of a query, since DSL 1.0 calls a GraphQL server over HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flowrt.core.template import split, whole_expression
from flowrt.legacy.expressions import Expressions, wrapped

Json = Any

LITERAL = (
    'def literal: if type == "object" '
    'then "{" + (to_entries | map("\\(.key): \\(.value | literal)") | join(", ")) + "}" '
    'elif type == "array" then "[" + (map(literal) | join(", ")) + "]" else tojson end; '
)
"""GraphQL writes the keys of objects without quotes."""


def query(expressions: Expressions, kind: str, field: str, arguments: Mapping[str, Json], selection: str) -> str:
    """The query or mutation; a runtime expression where values are known only then."""
    given = ", ".join(f"{name}: {_literal(expressions, value)}" for name, value in arguments.items())
    text = f"{kind} {{ {field}{f'({given})' if given else ''} {expressions.value(selection.strip())} }}"
    parts = split(text)
    if not any(is_jq for is_jq, _ in parts):
        return text
    program = "".join(f"\\({part} | literal)" if is_jq else _quoted(part) for is_jq, part in parts)
    return wrapped(f'{LITERAL}"{program}"')


def _literal(expressions: Expressions, value: Json) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_literal(expressions, member)}" for name, member in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_literal(expressions, item) for item in value) + "]"
    if isinstance(value, str) and (source := whole_expression(value)) is not None:
        return wrapped(expressions.source(source))
    return json.dumps(value, ensure_ascii=False)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]
