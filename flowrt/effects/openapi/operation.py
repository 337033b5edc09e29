"""Operation: what a call needs to know of an operation, whichever version its document is written in.

Invariant: nothing in here is a reference any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, get_args

Place = Literal["path", "query", "header", "cookie"]
Style = Literal["simple", "label", "matrix", "form", "spaceDelimited", "pipeDelimited", "tabDelimited", "deepObject"]

DEFAULT_STYLES: Mapping[Place, Style] = {"path": "simple", "query": "form", "header": "simple", "cookie": "form"}


def style_of(written: Any, default: Style) -> Style:
    """The style that a document names, or the default if it names none that there is."""
    return next((style for style in get_args(Style) if style == written), default)


def place_of(written: Any) -> Place | None:
    return next((place for place in get_args(Place) if place == written), None)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value that goes into the address, the query, a header or a cookie."""

    name: str
    place: Place
    required: bool = False
    style: Style = "simple"
    explode: bool = False
    allow_reserved: bool = False
    as_json: bool = False
    """Written as JSON, since the document describes it by a media type and not by a style."""


@dataclass(frozen=True, slots=True)
class BodyField:
    """One member of an object body; style and part are for forms."""

    required: bool = False
    style: Style = "form"
    explode: bool = True
    is_file: bool = False
    content_type: str | None = None


@dataclass(frozen=True, slots=True)
class RequestBody:
    """The body: given as a whole under one of the names `whole`, or, if it is an object, member by member."""

    media_type: str
    required: bool = False
    whole: tuple[str, ...] = ("body",)
    is_object: bool = False
    fields: Mapping[str, BodyField] = field(default_factory=lambda: MappingProxyType({}))
    is_open: bool = True
    """Whether members may be given that `fields` does not name."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. `url` is absolute, with `{name}` where path parameters go."""

    id: str
    method: str
    url: str
    parameters: tuple[Parameter, ...] = ()
    body: RequestBody | None = None
    api_keys: tuple[Parameter, ...] = ()
    """Keys that the document's security asks for; calls may give them like parameters."""
    accept: str = "*/*"
