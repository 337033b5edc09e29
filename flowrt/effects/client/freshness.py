"""How long a response may be used again without asking, and how to ask (RFC 9111, a private cache).

Times are epoch seconds.
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime

from .messages import Headers, Response


def fresh_until(response: Response, now: float, default_s: float) -> float | None:
    """When the response must be asked for again, or None if it must not be kept."""
    directives = _directives(response)
    if "no-store" in directives:
        return None
    if "no-cache" in directives:
        return now
    if (max_age := directives.get("max-age", "")).isdecimal():
        return now + float(max_age) - _age(response)
    if expires := response.header("Expires"):
        try:
            return parsedate_to_datetime(expires).timestamp()
        except ValueError:
            return now
    return now + default_s


def conditions(response: Response) -> Headers:
    """The request headers by which the server may answer 304 instead of sending the same again."""
    validators = ("If-None-Match", response.header("ETag")), ("If-Modified-Since", response.header("Last-Modified"))
    return tuple((name, value) for name, value in validators if value)


def _directives(response: Response) -> dict[str, str]:
    pairs = (part.strip().partition("=") for line in response.all("Cache-Control") for part in line.split(","))
    return {name.lower(): value.strip('"') for name, _, value in pairs}


def _age(response: Response) -> float:
    age = (response.header("Age") or "").strip()
    return float(age) if age.isdecimal() else 0.0
