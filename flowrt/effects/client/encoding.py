"""JSON values as the parts of a request: a header, a query, a body.

Invariant: a value that cannot be written without guessing is a `configuration` fault, never a Python repr.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import orjson

from flowrt.core.effect import Json

from .faults import misconfigured
from .messages import Headers

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
JSON = "application/json"
TEXT = "text/plain; charset=utf-8"


class Body(NamedTuple):
    content: bytes
    content_type: str | None
    """None: there is no body."""


def scalar_text(value: Json) -> str:
    """A string as it is, anything else as JSON: `true`, `1.5`, `{"a":1}`."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def header_pairs(headers: Json) -> Headers:
    """Header values as text; null is left out, a list becomes one comma-separated value."""
    if headers is None:
        return ()
    if not isinstance(headers, Mapping):
        raise misconfigured(f"`headers` must be an object of names and values, not {_kind(headers)}")
    return tuple((name, _header_text(name, value)) for name, value in headers.items() if value is not None)


def _header_text(name: str, value: Json) -> str:
    if isinstance(value, Mapping):
        raise misconfigured(f"header {name} must be a text, a number, a boolean or a list of these, not an object")
    if isinstance(value, list):
        return ", ".join(scalar_text(item) for item in value if item is not None)
    return scalar_text(value)


def with_query(url: str, query: Json) -> str:
    """`url` with the query's values after those it has: lists repeat the name, null is left out."""
    if not query:
        return url
    if not isinstance(query, Mapping):
        raise misconfigured(f"`query` must be an object of names and values, not {_kind(query)}")
    added = urlencode(list(_flat(query)), quote_via=quote, safe="")
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query="&".join(part for part in (parts.query, added) if part)))


def _flat(values: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        for item in value if isinstance(value, list) else (value,):
            if item is not None:
                yield name, scalar_text(item)


def encode_body(body: Json, content_type: str | None) -> Body:
    """The body in the form that `content_type` asks for; without one, text for a string and JSON for all else."""
    if body is None:
        return Body(b"", None)
    media_type, charset = split_content_type(content_type)
    if isinstance(body, Mapping) and media_type == FORM:
        return Body(urlencode(list(_flat(body))).encode(), content_type)
    if isinstance(body, Mapping) and media_type == MULTIPART:
        return multipart([(name, Part(item)) for name, item in _flat(body)])
    if isinstance(body, str):
        return Body(_encoded(body, charset), content_type or TEXT)
    return Body(orjson.dumps(body), content_type or JSON)


class Part(NamedTuple):
    """One part of a multipart body."""

    content: str | bytes
    content_type: str | None = None
    file_name: str | None = None


def multipart(parts: Sequence[tuple[str, Part]]) -> Body:
    """A `multipart/form-data` body; a name may come several times."""
    # Imported here: see `Clients._attempt`.
    import httpx

    files = [(name, (part.file_name, part.content, part.content_type)) for name, part in parts]
    request = httpx.Request("POST", "http://localhost", files=files)
    return Body(request.read(), request.headers["content-type"])


def split_content_type(content_type: str | None) -> tuple[str, str | None]:
    """Media type in lower case, and the charset if it is named and known."""
    media_type, _, parameters = (content_type or "").partition(";")
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name.strip().lower() == "charset":
            return media_type.strip().lower(), _known(value.strip().strip('"'))
    return media_type.strip().lower(), None


def _known(charset: str) -> str | None:
    try:
        return codecs.lookup(charset).name
    except LookupError:
        return None


def _encoded(text: str, charset: str | None) -> bytes:
    try:
        return text.encode(charset or "utf-8")
    except UnicodeEncodeError as error:
        raise misconfigured(f"the body cannot be written in {charset}, the charset of its content type") from error


def _kind(value: Json) -> str:
    return {list: "a list", str: "a text", bool: "a boolean", dict: "an object"}.get(type(value), "a number")
