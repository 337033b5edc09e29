"""A response as JSON values: its content, the whole response, or the fault that its status means.

Source: dsl-reference.md, "HTTP Call" and "HTTP Response".
"""

from __future__ import annotations

from base64 import b64encode

import orjson

from flowrt.core.effect import Json
from flowrt.core.fault import Fault, Faulted

from .encoding import split_content_type
from .faults import bad_answer, misconfigured
from .messages import Headers, Request, Response, redacted, without_credentials

_MOST_DETAIL_BYTES = 4096
_TEXT = frozenset(
    {
        "application/xml",
        "application/yaml",
        "application/x-yaml",
        "application/javascript",
        "application/graphql",
        "application/x-www-form-urlencoded",
        "application/x-ndjson",
        "application/jsonl",
        "application/sql",
        "application/toml",
    }
)


def outcome_of(request: Request, response: Response, output: str | None, *, redirect: bool, method: str) -> Json:
    """What the task outputs. Raises `communication` with the response's status if that status is an error.

    `output` is `content` (or None), `raw` or `response`; `method` is the spelling that `response` shows.
    """
    if not 200 <= response.status < (400 if redirect else 300):
        raise Faulted(status_fault(request, response))
    if output == "raw":
        return b64encode(response.content).decode()
    content = decoded(request, response)
    if output in (None, "content"):
        return content
    if output != "response":
        raise misconfigured(f"`output` must be content, raw or response, not {output!r}")
    shown = {"method": method, "uri": without_credentials(response.url), "headers": _shown_headers(request, response)}
    return {
        "request": shown,
        "statusCode": response.status,
        "headers": _as_object(response.headers),
        "content": content,
    }


def status_fault(request: Request, response: Response) -> Fault:
    """The `communication` fault of a response: its status, its reason, and the first 4 KiB of its body."""
    reason = response.reason
    text = _text(response, response.content[:_MOST_DETAIL_BYTES], cut=len(response.content) > _MOST_DETAIL_BYTES)
    detail = (
        redacted(text, request.secrets(response.sent))
        if text
        else f"{request.shown()} answered {response.status} {reason}"
    )
    return Fault.of("communication", detail, status=response.status, title=reason)


def decoded(request: Request, response: Response) -> Json:
    """JSON parsed, other text as a string, other bytes as base64; null for no content."""
    if not response.content:
        return None
    media_type, charset = split_content_type(response.header("content-type"))
    if media_type == "application/json" or media_type.endswith("+json"):
        try:
            return _parsed(response.content, charset)
        except ValueError as error:
            raise bad_answer(
                request, f"answered {response.status} with a body that is not valid {media_type}"
            ) from error
    text = _text(response, response.content, cut=False)
    return b64encode(response.content).decode() if text is None else text


def _parsed(content: bytes, charset: str | None) -> Json:
    text: bytes | str = content if charset in (None, "utf-8") else content.decode(charset)
    return orjson.loads(text.removeprefix(b"\xef\xbb\xbf") if isinstance(text, bytes) else text)


def _text(response: Response, content: bytes, *, cut: bool) -> str | None:
    """The content if it is text. Without a content type it is text when it reads as UTF-8."""
    media_type, charset = split_content_type(response.header("content-type"))
    is_text = media_type.startswith("text/") or media_type in _TEXT or media_type.endswith(("+xml", "+json", "+yaml"))
    if is_text or media_type == "application/json" or (charset is not None and media_type):
        return content.decode(charset or "utf-8", "ignore" if cut else "replace")
    if media_type:
        return None
    try:
        return content.decode("utf-8", "ignore" if cut else "strict")
    except UnicodeDecodeError:
        return None


def _shown_headers(request: Request, response: Response) -> dict[str, str]:
    return _as_object(tuple(pair for pair in response.sent if not request.hides(pair[0])))


def _as_object(headers: Headers) -> dict[str, str]:
    """Names as `Content-Type`, however the server and the protocol's version spell them; repeated ones joined."""
    joined: dict[str, str] = {}
    for name, value in headers:
        title = "-".join(word.capitalize() for word in name.split("-"))
        joined[title] = f"{joined[title]}, {value}" if title in joined else value
    return joined
