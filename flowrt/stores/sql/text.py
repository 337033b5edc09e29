"""Text in key columns: what a database would not keep as it is, or not at all, is written so that it does.

NUL (refused by PostgreSQL), a trailing space (ignored in comparisons by MySQL and SQL Server), the empty text (NULL to
Oracle) and lone surrogates (not UTF-8) are escaped with the character U+0001; but for the last, texts keep their order.
"""

from __future__ import annotations

import hashlib
import re

_END, _NUL, _MARK, _SURROGATE = "\x01\x01", "\x01\x02", "\x01\x03", "\x01\x04"
_ESCAPED = re.compile("\x01(?:[\x01\x02\x03]|\x04[0-9a-f]{4})")
_PLAIN = {_END: "", _NUL: "\x00", _MARK: "\x01"}
_SPECIAL = re.compile("[\x00\x01\ud800-\udfff]")
_DIGEST_LENGTH = 65


def escape(text: str, empty_is_null: bool = False) -> str:
    """The text as it is written."""
    if not text.isprintable():
        text = _SPECIAL.sub(_escaped, text)
    if text[-1:] == " " or (empty_is_null and not text):
        text += _END
    return text


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    if character == "\x00":
        return _NUL
    return _MARK if character == "\x01" else f"{_SURROGATE}{ord(character):04x}"


def unescape(text: str) -> str:
    """The text that was escaped."""
    return _ESCAPED.sub(_unescaped, text) if "\x01" in text else text


def _unescaped(found: re.Match[str]) -> str:
    plain = _PLAIN.get(found[0])
    return chr(int(found[0][2:], 16)) if plain is None else plain


def shortened(text: str, limit: int) -> str:
    """The text, if its escaped form has at most `limit` bytes; else its beginning and a digest of all of it."""
    if text.isascii() and len(text) < limit and text.isprintable():
        return text
    written = escape(text).encode()
    if len(written) <= limit:
        return text
    digest = hashlib.sha256(written).hexdigest()
    # What is cut off must not leave half an escape behind.
    return written[: limit - _DIGEST_LENGTH].decode(errors="ignore").replace("\x01", "?") + "#" + digest
