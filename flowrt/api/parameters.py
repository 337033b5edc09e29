"""Parameters: what clients put into paths, queries and headers, read strictly."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from starlette.requests import Request

from flowrt.api.problems import Problem
from flowrt.config.load import to_seconds
from flowrt.runtime.clock import now

LONGEST_ID = 255
MOST_TAGS = 64
LONGEST_WAIT_S = 86400.0


def instance_id(value: str) -> str:
    """An instance id. Raises `Problem` 400."""
    if "/" in value:
        raise Problem(400, "An instance id has no slash.")
    return _word(value, "An instance id")


def _word(value: str, what: str) -> str:
    if not 1 <= len(value) <= LONGEST_ID or not value.isprintable():
        raise Problem(400, f"{what} has 1 to {LONGEST_ID} characters, none of them a control character.")
    return value


def path_id(request: Request) -> str:
    """The instance id in the path."""
    return instance_id(request.path_params["id"])


def option(request: Request, name: str) -> str | None:
    """An option of a start: `name` in the query or `Flowrt-Name` among the headers."""
    value = request.query_params.get(name)
    return request.headers.get(f"flowrt-{name}") if value is None else value


def chosen_id(request: Request) -> str | None:
    """The id that a start asks for."""
    value = option(request, "id")
    return None if value is None else instance_id(value)


def idempotency_key(request: Request) -> str | None:
    """The `Idempotency-Key`."""
    value = request.headers.get("idempotency-key")
    return None if value is None else _word(value, "An Idempotency-Key")


def tags(request: Request) -> dict[str, str]:
    """`k=v,k2=v2`. Raises `Problem` 400."""
    text = option(request, "tags")
    if not text:
        return {}
    found: dict[str, str] = {}
    for part in text.split(","):
        key, sign, value = (piece.strip() for piece in part.partition("="))
        if not sign or not key or len(key) > LONGEST_ID or len(value) > LONGEST_ID or not (key + value).isprintable():
            raise Problem(400, f"'tags' are k=v,k2=v2, found '{part[:60]}'.")
        found[key] = value
    if len(found) > MOST_TAGS:
        raise Problem(400, f"There are {len(found)} tags; at most {MOST_TAGS} are taken.")
    return found


def wait_s(request: Request) -> float | None:
    """How long to wait for the end: `30s`, `PT30S`, `500ms` or seconds. Raises `Problem` 400."""
    text = request.query_params.get("wait")
    return None if text is None else min(duration_s("wait", text), LONGEST_WAIT_S)


def duration_s(name: str, text: str) -> float:
    """Seconds of a duration. Raises `Problem` 400."""
    seconds = to_seconds(float(text) if _is_number(text) else text)
    if seconds is None:
        raise Problem(
            400, f"'{name}' is a duration such as 30s, PT30S, 500ms or a number of seconds, found '{text[:40]}'."
        )
    return seconds


def since(request: Request) -> float | None:
    """`since` as epoch seconds: a point in time, or a duration before now. Raises `Problem` 400."""
    text = request.query_params.get("since")
    if text is None:
        return None
    try:
        # A plus that was not encoded arrives as a space.
        at = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    except ValueError:
        return now() - duration_s("since", text)
    if at.tzinfo is None:
        raise Problem(400, f"'since' needs an offset from UTC, such as {text[:25]}Z.")
    return at.timestamp()


def limit(request: Request, default: int, most: int) -> int:
    """`limit`. Raises `Problem` 400."""
    text = request.query_params.get("limit")
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most):
        raise Problem(400, f"'limit' is a number from 1 to {most}, found '{text[:40]}'.")
    return int(text)


def tag(text: str | None) -> tuple[str, str] | None:
    """`k:v`. Raises `Problem` 400."""
    if text is None:
        return None
    key, sign, value = text.partition(":")
    if not sign or not key:
        raise Problem(400, f"'tag' is key:value, found '{text[:60]}'.")
    return key, value


def one_of(name: str, value: str | None, known: Collection[str]) -> str | None:
    """A word of a list. Raises `Problem` 400."""
    if value is not None and value not in known:
        raise Problem(400, f"'{name}' is one of {', '.join(known)}, found '{value[:40]}'.")
    return value


def only(request: Request, *known: str) -> None:
    """Refuses query parameters that would be ignored. Raises `Problem` 400."""
    for name in request.query_params:
        if name not in known:
            raise Problem(400, f"There is no parameter '{name[:40]}'; known are {', '.join(known)}.")


def _is_number(text: str) -> bool:
    whole, _, fraction = text.partition(".")
    return text.isascii() and len(text) < 20 and whole.isdigit() and (fraction.isdigit() or "." not in text)
