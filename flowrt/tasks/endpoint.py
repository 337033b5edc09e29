"""Endpoints and external resources: a URI, literal, template or expression, perhaps with authentication.

Source: dsl-reference.md, "Endpoint", "URI Template"; RFC 6570. Variables come from the top level of the task's input;
what is missing is empty.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from flowrt.core.expression import ExpressionFailed, InvalidExpression, Json, Lookup
from flowrt.core.reader import Reader
from flowrt.core.template import Template, split, to_text, whole_expression
from flowrt.tasks.authentication import read_authentication


def read_endpoint(reader: Reader) -> Template:
    """An endpoint, as a template of `{"uri": …, "authentication": …}` (the latter only if given)."""
    if isinstance(reader.value, dict):
        reader.object(("uri", "authentication"), required=("uri",))
        uri_reader, policy = reader.get("uri"), reader.get("authentication")
        uri = read_uri(uri_reader) if uri_reader is not None else (lambda data, lookup: "")
        if policy is not None:
            authentication = read_authentication(policy)
            return lambda data, lookup: {
                "uri": uri(data, lookup),
                "authentication": authentication(data, lookup),
            }
    else:
        uri = read_uri(reader)
    return lambda data, lookup: {"uri": uri(data, lookup)}


def read_uri(reader: Reader) -> Template:
    """A URI: wholly an expression, or a URI template in which `${ }` may stand."""
    text = reader.string(what="a URI, a URI template or a runtime expression")
    if whole_expression(text) is not None:
        return _text_of(reader.template(), text)
    if "${" not in text:
        return lambda data, lookup: expand(text, data)
    reader.template()  # for its problems
    try:
        pieces = [
            reader.at("${" + part + "}").template() if is_expression else part for is_expression, part in split(text)
        ]
    except (InvalidExpression, RecursionError):
        return lambda data, lookup: ""

    def joined(data: Json, lookup: Lookup) -> str:
        return "".join(expand(p, data) if isinstance(p, str) else to_text(p(data, lookup)) for p in pieces)

    return joined


def _text_of(template: Template, source: str) -> Template:
    def text(data: Json, lookup: Lookup) -> str:
        value = template(data, lookup)
        if not isinstance(value, str) or not value:
            raise ExpressionFailed(f"{source} gives {to_text(value)[:80]}, which is no URI")
        return value

    return text


def expand(template: str, data: Json) -> str:
    """RFC 6570 expansion with the members of `data`."""
    if "{" not in template:
        return template
    variables, parsed = data if isinstance(data, dict) else {}, _parsed(template)
    return str(parsed.expand({name: _value(name, variables.get(name)) for name in parsed.variable_names}))


@lru_cache(maxsize=1024)
def _parsed(template: str) -> Any:
    from uritemplate import URITemplate

    return URITemplate(template)


def _value(name: str, value: Json) -> Json:
    if isinstance(value, dict | list):
        raise ExpressionFailed(f"the variable '{name}' of a URI template is no string, number or boolean")
    return ("true" if value else "false") if isinstance(value, bool) else value
