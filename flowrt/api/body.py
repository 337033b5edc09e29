"""Bodies: read up to the limit, as JSON up to a depth and a number of containers; refused otherwise, and quickly.

JSON is counted before it is parsed: some documents of a few megabytes would hold the event loop for seconds.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import orjson
from starlette.requests import Request

from flowrt.api.problems import Problem

Json = Any

DEEPEST = 200
"""Levels of a JSON body. Records are written with orjson, which takes 254."""
MOST_CONTAINERS = 1_000_000
"""Objects and arrays in one body."""
PIECE = 65_536

_OPEN = (ord("["), ord("{"))
_BRACKETS = b"[]{}"
_OTHERS = bytes(byte for byte in range(256) if byte not in _BRACKETS)
_LEVELS = {byte: 1 if byte in _OPEN else -1 for byte in _BRACKETS}


async def read_body(request: Request, most: int) -> bytes:
    """The whole body. Raises `Problem` 413 for one of more than `most` bytes, before it is read as far as possible."""
    length = request.headers.get("content-length")
    if length is not None and length.isdigit() and int(length) > most:
        raise _too_large(most)
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            raise _too_large(most)
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def media_type(request: Request) -> str:
    """The body's media type in lower case without parameters; empty if there is none."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def is_json(kind: str) -> bool:
    """Whether a media type is JSON's, or a relative's."""
    return kind in ("application/json", "text/json") or kind.endswith("+json")


async def read_json(request: Request, most: int, empty: Json = None) -> Json:
    """The body as JSON; `empty` stands for no body. Raises `Problem` 400, 413, 415."""
    content = await read_body(request, most)
    if not content:
        return empty
    kind = media_type(request)
    if kind and not is_json(kind):
        raise Problem(415, f"The body is '{kind}'; send JSON with Content-Type: application/json.")
    charset = request.headers.get("content-type", "").lower().partition("charset=")[2].strip('" ;')
    if charset and charset not in ("utf-8", "utf8", "us-ascii"):
        raise Problem(415, f"The body is in '{charset}'; JSON is UTF-8.")
    return parse_json(content)


def parse_json(content: bytes, what: str = "The body") -> Json:
    """JSON text as a value. Raises `Problem` 400."""
    if content.count(b"[") + content.count(b"{") > DEEPEST:
        _check_shape(content, what)
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise Problem(400, f"{what} is not JSON: {error}.", title="Malformed JSON") from None


def _check_shape(content: bytes, what: str) -> None:
    # What is left without escapes, strings and everything between brackets shows the nesting.
    unescaped = content.replace(rb"\\", b"").replace(rb"\"", b"")
    quoted, level, containers = 0, 0, 0
    for start in range(0, len(unescaped), PIECE):
        parts = unescaped[start : start + PIECE].split(b'"')
        brackets = b"".join(parts[quoted::2]).translate(None, _OTHERS)
        quoted ^= (len(parts) - 1) & 1
        containers += brackets.count(b"[") + brackets.count(b"{")
        if containers > MOST_CONTAINERS:
            raise Problem(400, f"{what} has more than {MOST_CONTAINERS} objects and arrays.")
        levels = list(accumulate(map(_LEVELS.__getitem__, brackets), initial=level))
        if max(levels) > DEEPEST:
            raise Problem(400, f"{what} is nested deeper than {DEEPEST} levels.")
        level = levels[-1]


def _too_large(most: int) -> Problem:
    detail = f"The body has more than {most} bytes (server.max-body). Send less, or a reference to the data."
    return Problem(413, detail, title="Content Too Large")
