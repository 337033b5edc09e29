"""The faults of a call that has no usable answer: which request, what happened and what to do.

Invariant: no message holds a query, a credential or a header's value.
"""

from __future__ import annotations

from flowrt.core.fault import Fault, Faulted

from .messages import Request, redacted

NO_ANSWER, NO_ANSWER_IN_TIME, BAD_ANSWER = 503, 504, 502


def no_answer(request: Request, why: str) -> Faulted:
    """`communication`/503: the server could not be reached or broke off."""
    detail = f"{request.shown()}: no answer ({redacted(why, request.secrets())})"
    return Faulted(Fault.of("communication", detail, status=NO_ANSWER, title="Service Unavailable"))


def too_late(request: Request, what: str) -> Faulted:
    """`communication`/504: one of the client's own time limits ended."""
    detail = f"{request.shown()}: {what}"
    return Faulted(Fault.of("communication", detail, status=NO_ANSWER_IN_TIME, title="Gateway Timeout"))


def bad_answer(request: Request, what: str) -> Faulted:
    """`communication`/502: there is an answer, but it cannot be used."""
    detail = f"{request.shown()}: {what}"
    return Faulted(Fault.of("communication", detail, status=BAD_ANSWER, title="Bad Gateway"))


def misconfigured(detail: str) -> Faulted:
    """`configuration`/400: the definition or the configuration asks for what cannot be done."""
    return Faulted(Fault.of("configuration", detail))


def refused(detail: str) -> Faulted:
    """`authorization`/403: the operator forbids it."""
    return Faulted(Fault.of("authorization", detail))


def is_no_answer(fault: Fault) -> bool:
    """Whether nothing usable came back, so that an idempotent call may be repeated."""
    return fault.status in (NO_ANSWER, NO_ANSWER_IN_TIME)
