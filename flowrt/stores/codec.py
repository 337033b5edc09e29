"""Values as bytes: JSON that people can read, or the same compressed, with a mark that says how.

The first byte decides: JSON text begins with one of `{["tfn-0123456789`, a compressed value with the mark of its
compression. So values written before a change of the setting stay readable.
"""

from __future__ import annotations

import bz2
import gzip
import json
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import orjson

Json = Any

_SMALLEST = 256
"""Shorter values are not worth compressing."""

_COMPRESS: Mapping[str, tuple[bytes, Callable[[bytes], bytes]]] = {
    "gzip": (b"\x01", lambda text: gzip.compress(text, 6, mtime=0)),
    "bzip2": (b"\x02", bz2.compress),
    "deflate": (b"\x03", zlib.compress),
}
_DECOMPRESS: Mapping[int, Callable[[bytes], bytes]] = {1: gzip.decompress, 2: bz2.decompress, 3: zlib.decompress}
COMPRESSIONS = ("none", *_COMPRESS)


class Undecodable(ValueError):
    """Bytes that are no value of ours, or a damaged one."""


class Codec:
    """Encodes with one compression, decodes whatever was written with any."""

    def __init__(self, compression: str = "none") -> None:
        if compression not in COMPRESSIONS:
            raise ValueError(f"compression '{compression}' is unknown; use one of {', '.join(COMPRESSIONS)}")
        self.compression = compression
        self._compress = _COMPRESS.get(compression)

    def encode(self, value: Json) -> bytes:
        """The value as bytes. Numbers beyond 64 bits and lone surrogates are written as the standard library does."""
        try:
            text = orjson.dumps(value)
        except TypeError:
            text = json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
        if self._compress is None or len(text) < _SMALLEST:
            return text
        mark, compress = self._compress
        compressed = compress(text)
        return mark + compressed if len(compressed) < len(text) else text

    @staticmethod
    def decode(data: bytes) -> Json:
        """The value again. Raises `Undecodable`."""
        if not data:
            raise Undecodable("the value is empty")
        try:
            decompress = _DECOMPRESS.get(data[0])
            text = data if decompress is None else decompress(memoryview(data)[1:])  # type: ignore[arg-type]
        except (OSError, EOFError, ValueError, zlib.error) as error:
            raise Undecodable(f"the compressed value is damaged: {error}") from error
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            return _decode_lone_surrogates(text)


def _decode_lone_surrogates(text: bytes) -> Json:
    try:
        return json.loads(text)
    except ValueError as error:
        raise Undecodable(f"the value is no JSON: {error}") from error
