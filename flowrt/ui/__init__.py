"""The dashboard: a page and its scripts, which ask the API for everything they show."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

_SCRIPTS = ("app", "ask", "definitions", "instances", "make", "outline")
FILES: Mapping[str, tuple[str, str]] = {
    "/ui": ("index.html", "text/html"),
    **{f"/ui/{name}.js": (f"{name}.js", "text/javascript") for name in _SCRIPTS},
    "/ui/style.css": ("style.css", "text/css"),
}
"""By path: the file in this folder, and its media type."""
SECURITY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The policy of the page (Content Security Policy Level 3): nothing from elsewhere, nothing inline."""


@cache
def content(name: str) -> bytes:
    """A file of the page."""
    return (files(__name__) / name).read_bytes()
