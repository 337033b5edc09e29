"""Cursors of lists: the place after an entry, newest start first, as an opaque word."""

from __future__ import annotations

import base64
import binascii


class InvalidCursor(ValueError):
    """The word is no cursor of ours."""


def encode_cursor(started_at: float, id_: str) -> str:
    """The place after this entry."""
    return base64.urlsafe_b64encode(f"{started_at!r} {id_}".encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> tuple[float, str]:
    """Start time and id of the entry before. Raises `InvalidCursor`."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        started_at, _, id_ = text.partition(" ")
        return float(started_at), id_
    except (ValueError, binascii.Error):
        raise InvalidCursor(f"'{cursor[:40]}' is no cursor; take it from 'next' of the page before") from None
