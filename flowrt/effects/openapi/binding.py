"""Binds a call's parameters to an operation: each value finds its place in the request.

Invariants: a value without a place is a fault, and so is a required place without a value; null is no value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import orjson

from flowrt.core.effect import Json
from flowrt.core.fault import Fault, Faulted

from ..client import Request
from ..client.encoding import FORM, MULTIPART, Body, Part, encode_body, multipart, scalar_text, split_content_type
from ..client.messages import Headers
from .media_types import is_json
from .operation import BodyField, Operation, RequestBody
from .styles import cookie_text, form_pairs, header_text, path_text, query_pairs

_TEMPLATE = re.compile(r"\{([^{}/]+)\}")


def binding_problems(operation: Operation, names: Iterable[str]) -> list[str]:
    """What is wrong with giving exactly the parameters `names`."""
    given = set(names)
    placed = {each.name for each in (*operation.parameters, *operation.api_keys)}
    rest, body = given - placed, operation.body
    missing = [each.name for each in operation.parameters if each.required and each.name not in given]
    unknown: list[str] = []
    if body is None:
        unknown = sorted(rest)
    elif whole := _whole_name(body, rest):
        unknown = sorted(rest - {whole})
    elif not body.is_object:
        unknown = sorted(rest)
        missing += list(body.whole[:1]) if body.required else []
    else:
        unknown = [] if body.is_open else sorted(rest - set(body.fields))
        if rest or body.required:
            missing += [name for name, each in body.fields.items() if each.required and name not in given]
    problems = [f"the required parameter {name!r} is missing" for name in missing]
    return problems + [f"there is no parameter {name!r}; it takes {_known(operation)}" for name in unknown]


def bind(operation: Operation, parameters: Mapping[str, Json]) -> Request:
    """The request. Raises `validation`/400 for parameters that are missing, unknown or of no use in their place."""
    values = {name: value for name, value in parameters.items() if value is not None}
    if problems := binding_problems(operation, values):
        raise _invalid(operation, "; ".join(problems))
    placed = [each for each in (*operation.parameters, *operation.api_keys) if each.name in values]
    headers: dict[str, str] = {"Accept": operation.accept}
    query: list[str] = []
    cookies: list[str] = []
    for parameter in placed:
        value = values[parameter.name]
        if parameter.place == "query":
            query += query_pairs(parameter, value)
        elif parameter.place == "header":
            headers[parameter.name] = header_text(parameter, value)
        elif parameter.place == "cookie":
            cookies.append(cookie_text(parameter, value))
    if cookies:
        headers["Cookie"] = "; ".join(cookies)
    body = _body(operation, values, {each.name for each in placed})
    if body.content_type is not None:
        headers["Content-Type"] = body.content_type
    url = _address(operation, values)
    return Request(
        operation.method.upper(),
        f"{url}?{'&'.join(query)}" if query else url,
        _unique(headers),
        body.content,
        sensitive=frozenset(key.name.lower() for key in operation.api_keys if key.place == "header"),
    )


def _address(operation: Operation, values: Mapping[str, Json]) -> str:
    places = {each.name: each for each in operation.parameters if each.place == "path"}

    def text(match: re.Match[str]) -> str:
        parameter = places.get(match[1])
        if parameter is None:
            raise _invalid(operation, f"its path names {match[1]!r}, which the document does not describe")
        written = path_text(parameter, values[match[1]])
        if written in ("", ".", ".."):
            raise _invalid(operation, f"the path parameter {match[1]!r} must not be {written!r}")
        return written

    return _TEMPLATE.sub(text, operation.url)


def _body(operation: Operation, values: Mapping[str, Json], placed: set[str]) -> Body:
    body = operation.body
    rest = {name: value for name, value in values.items() if name not in placed}
    if body is None or not rest:
        # An operation that must have an object and was given nothing for it gets an empty one.
        empty = body is not None and body.required and body.is_object and is_json(body.media_type)
        return Body(b"{}", body.media_type) if body is not None and empty else Body(b"", None)
    whole = _whole_name(body, rest)
    return _encoded(body, rest if whole is None else rest[whole])


def _encoded(body: RequestBody, value: Json) -> Body:
    media_type = split_content_type(body.media_type)[0]
    if is_json(media_type):
        return Body(orjson.dumps(value), body.media_type)
    if media_type == FORM and isinstance(value, Mapping):
        pieces = [
            piece
            for name, item in value.items()
            for field in (body.fields.get(name, BodyField()),)
            for piece in form_pairs(name, item, field.style, field.explode)
        ]
        return Body("&".join(pieces).encode(), body.media_type)
    if media_type == MULTIPART and isinstance(value, Mapping):
        return multipart(
            [(name, part) for name, item in value.items() for part in _parts(name, item, body.fields.get(name))]
        )
    return encode_body(value, body.media_type)


def _parts(name: str, value: Json, field: BodyField | None) -> Iterable[Part]:
    content_type = field.content_type if field else None
    for item in value if isinstance(value, list) else (value,):
        if field is not None and field.is_file:
            yield Part(scalar_text(item), content_type or "application/octet-stream", name)
        elif isinstance(item, (Mapping, list)):
            yield Part(orjson.dumps(item), content_type or "application/json")
        elif item is not None:
            yield Part(scalar_text(item), content_type)


def _whole_name(body: RequestBody, given: Iterable[str]) -> str | None:
    """The parameter that is the body itself. A member of that name comes first, unless the document says otherwise."""
    return next((name for name in body.whole if name in set(given) and name not in body.fields), None)


def _unique(headers: Mapping[str, str]) -> Headers:
    """A header parameter of the document replaces ours, however it is spelled."""
    last = {name.lower(): (name, value) for name, value in headers.items()}
    return tuple(last.values())


def _known(operation: Operation) -> str:
    body = operation.body
    names = [each.name for each in (*operation.parameters, *operation.api_keys)]
    names += [*body.fields, *body.whole[:1]] if body else []
    return ", ".join(dict.fromkeys(names)) or "none"


def _invalid(operation: Operation, what: str) -> Faulted:
    return Faulted(Fault.of("validation", f"OpenAPI operation {operation.id}: {what}"))
