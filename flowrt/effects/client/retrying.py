"""When a call is repeated by the client itself, and after how long.

Invariant: only methods that HTTP calls idempotent are repeated; the workflow's own `retry` is another matter.
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime

from flowrt.core.fault import Fault

from .faults import is_no_answer
from .messages import IDEMPOTENT, Request, Response
from .settings import Retries

_TRANSIENT = frozenset({429, 502, 503, 504})


def retry_delay(
    retries: Retries, request: Request, result: Response | Fault, repetitions: int, wall_time: float
) -> float | None:
    """Seconds until the next repetition, or None when the result stands. `wall_time` is for dates in `Retry-After`."""
    if repetitions >= retries.count or request.method not in IDEMPOTENT:
        return None
    backoff_s = min(retries.backoff_s * 2.0**repetitions, retries.max_delay_s)
    if isinstance(result, Fault):
        return backoff_s if is_no_answer(result) else None
    if result.status not in _TRANSIENT:
        return None
    asked_s = _retry_after(result, wall_time)
    if asked_s is None:
        return backoff_s
    return asked_s if asked_s <= retries.max_delay_s else None


def _retry_after(response: Response, wall_time: float) -> float | None:
    text = (response.header("Retry-After") or "").strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - wall_time)
    except (ValueError, OverflowError):
        return None
