"""Which of the media types that a document offers a call uses: JSON if it may, then forms, then text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..client.encoding import FORM, JSON, MULTIPART, split_content_type


def is_json(media_type: str) -> bool:
    name = split_content_type(media_type)[0]
    return name == JSON or name.endswith("+json")


def preferred(offered: Iterable[Any]) -> str | None:
    """The one to send; a range such as `*/*` means JSON."""
    names = [str(each) for each in offered]
    return min(names, key=_rank, default=None)


def accepted(offered: Iterable[Any]) -> str:
    """The value of `Accept`."""
    names = list(dict.fromkeys(str(each) for each in offered))
    return ", ".join(sorted(names, key=_rank)) or "*/*"


def _rank(media_type: str) -> int:
    name = split_content_type(media_type)[0]
    if name == JSON:
        return 0
    if is_json(name):
        return 1
    order = {FORM: 2, MULTIPART: 3, "text/plain": 4}
    return order.get(name, 6 if "*" in name else 5)
