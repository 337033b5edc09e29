"""Writes a value as the text of a path segment, query, header or cookie, in a parameter's style.

Source: OpenAPI 3.1, "Style Values"; RFC 6570 where that table is silent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import quote

import orjson

from flowrt.core.effect import Json

from ..client.encoding import scalar_text
from .operation import Parameter, Style

_RESERVED = ":/?#[]@!$&'()*+,;="
_SEPARATORS: Mapping[str, str] = {
    "form": ",",
    "deepObject": ",",
    "spaceDelimited": "%20",
    "pipeDelimited": "%7C",
    "tabDelimited": "%09",
}


def path_text(parameter: Parameter, value: Json) -> str:
    """What replaces `{name}`, percent-encoded."""
    name = _quoted(parameter.name)
    if parameter.as_json:
        return _quoted(orjson.dumps(value).decode())
    if parameter.style == "label":
        return "." + _joined(value, parameter.explode, "." if parameter.explode else ",")
    if parameter.style != "matrix":
        return _joined(value, parameter.explode, ",")
    if parameter.explode and isinstance(value, list):
        return "".join(f";{name}={_quoted(scalar_text(item))}" for item in value)
    if parameter.explode and isinstance(value, Mapping):
        return ";" + _joined(value, True, ";")
    return f";{name}={_joined(value, False, ',')}"


def query_pairs(parameter: Parameter, value: Json) -> Iterator[str]:
    """The `name=value` pieces of a query, percent-encoded."""
    safe = _RESERVED.replace("&", "").replace("#", "").replace("+", "") if parameter.allow_reserved else ""
    if parameter.as_json:
        yield f"{_quoted(parameter.name)}={_quoted(orjson.dumps(value).decode(), safe)}"
    else:
        yield from form_pairs(parameter.name, value, parameter.style, parameter.explode, safe)


def form_pairs(name: str, value: Json, style: Style, explode: bool, safe: str = "") -> Iterator[str]:
    """The pieces of a query or of a urlencoded body."""
    label = _quoted(name)
    if isinstance(value, Mapping):
        if style == "deepObject":
            for key, item in value.items():
                yield from form_pairs(f"{name}[{key}]", item, style, True, safe)
        elif explode:
            yield from (f"{_quoted(key)}={_quoted(scalar_text(item), safe)}" for key, item in _members(value))
        else:
            yield f"{label}={_joined(value, False, _SEPARATORS.get(style, ','), safe)}"
    elif isinstance(value, list):
        if explode:
            yield from (f"{label}={_quoted(scalar_text(item), safe)}" for item in value if item is not None)
        elif value:
            yield f"{label}={_joined(value, False, _SEPARATORS.get(style, ','), safe)}"
    elif value is not None:
        yield f"{label}={_quoted(scalar_text(value), safe)}"


def header_text(parameter: Parameter, value: Json) -> str:
    """Header values are not percent-encoded."""
    if parameter.as_json:
        return orjson.dumps(value).decode()
    if isinstance(value, list):
        return ",".join(scalar_text(item) for item in value if item is not None)
    if isinstance(value, Mapping):
        equals = "=" if parameter.explode else ","
        return ",".join(f"{key}{equals}{scalar_text(item)}" for key, item in _members(value))
    return scalar_text(value)


def cookie_text(parameter: Parameter, value: Json) -> str:
    """`name=value` for the `Cookie` header."""
    return "; ".join(query_pairs(parameter, value))


def _joined(value: Json, explode: bool, separator: str, safe: str = "") -> str:
    if isinstance(value, list):
        return separator.join(_quoted(scalar_text(item), safe) for item in value if item is not None)
    if isinstance(value, Mapping):
        equals = "=" if explode else separator
        return separator.join(
            f"{_quoted(key)}{equals}{_quoted(scalar_text(item), safe)}" for key, item in _members(value)
        )
    return _quoted(scalar_text(value), safe)


def _members(value: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    return ((key, item) for key, item in value.items() if item is not None)


def _quoted(text: str, safe: str = "") -> str:
    return quote(text, safe=safe)
