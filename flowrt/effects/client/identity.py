"""The headers by which a service recognises whose call it gets, and a repeated call as the same.

Invariant: they depend on the effect alone, so a call repeated after a crash carries the very same ones.
"""

from __future__ import annotations

from hashlib import sha256
from urllib.parse import quote

from flowrt.core.effect import Effect

from .messages import Headers, find_header

_KEPT = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) != "%")
"""Task names may hold any character, header values only these."""


def identity_headers(effect: Effect) -> Headers:
    """`Idempotency-Key`, `X-Flow-Instance-Id`, `X-Flow-Task-Id` (the position) and `traceparent`."""
    return (
        ("Idempotency-Key", quote(effect.idempotency_key, safe=_KEPT)),
        ("X-Flow-Instance-Id", quote(effect.instance, safe=_KEPT)),
        ("X-Flow-Task-Id", quote(effect.position, safe=_KEPT)),
        ("traceparent", trace_parent(effect)),
    )


def trace_parent(effect: Effect) -> str:
    """W3C Trace Context: one trace per instance, one span per call."""
    trace = sha256(effect.instance.encode()).hexdigest()[:32]
    span = sha256(effect.idempotency_key.encode()).hexdigest()[:16]
    return f"00-{trace}-{span}-01"


def with_identity(headers: Headers, effect: Effect) -> Headers:
    """`headers` and those of the effect's identity that are not among them."""
    return (*headers, *(pair for pair in identity_headers(effect) if find_header(headers, pair[0]) is None))
