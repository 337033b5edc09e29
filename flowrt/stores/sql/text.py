"""Text in key columns: what a database would not keep as it is, or not at all, is written so that it does.

NUL (refused by PostgreSQL), a trailing space (ignored in comparisons by MySQL and SQL Server) and the empty text (NULL
to Oracle) are escaped with the character U+0001, in a way that keeps the order of texts. Ordinary text stays as it is.
"""

from __future__ import annotations

import hashlib
import re

_ESCAPED = re.compile("\x01[\x01\x02\x03]")
_END, _NUL, _MARK = "\x01\x01", "\x01\x02", "\x01\x03"
_PLAIN = {_END: "", _NUL: "\x00", _MARK: "\x01"}
_DIGEST_LENGTH = 65


def escape(text: str, empty_is_null: bool = False) -> str:
    """The text as it is written."""
    if "\x00" in text or "\x01" in text:
        text = text.replace("\x01", _MARK).replace("\x00", _NUL)
    if text[-1:] == " " or (empty_is_null and not text):
        text += _END
    return text


def unescape(text: str) -> str:
    """The text that was escaped."""
    return _ESCAPED.sub(lambda found: _PLAIN[found[0]], text) if "\x01" in text else text


def shortened(text: str, limit: int) -> str:
    """The text, if it has at most `limit` bytes; else its beginning and a digest of all of it."""
    if len(text) * 4 <= limit or len(text.encode()) <= limit:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()
    return text.encode()[: limit - _DIGEST_LENGTH].decode(errors="ignore") + "#" + digest
