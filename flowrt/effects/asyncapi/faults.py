"""The faults of a broker: which server, what happened; the exceptions of every library come out of here alike.

Invariant: no message holds a password or a token.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flowrt.core.fault import PREFIX, Fault, Faulted
from flowrt.effects.client.messages import redacted

from .broker import Access, Server

_UNAVAILABLE, _TOO_LATE = 503, 504


def lost(access: Access, why: object) -> Faulted:
    """`communication`/503: the server cannot be reached, breaks off or does not take the message."""
    said = redacted(str(why) or type(why).__name__, access.credentials.secrets())
    detail = f"{access.server.shown}: {said}"
    return Faulted(Fault.of("communication", detail, status=_UNAVAILABLE, title="Service Unavailable"))


def too_late(server: Server, what: str) -> Faulted:
    """`communication`/504: a time limit ended."""
    return Faulted(Fault.of("communication", f"{server.shown}: {what}", status=_TOO_LATE, title="Gateway Timeout"))


def denied(access: Access, why: object) -> Faulted:
    """`authentication`/401: the server does not let us in."""
    said = redacted(str(why) or type(why).__name__, access.credentials.secrets())
    return Faulted(Fault.of("authentication", f"{access.server.shown}: {said}"))


def is_lost(error: Faulted) -> bool:
    """Whether a new connection may help."""
    return error.fault.type == PREFIX + "communication"


@contextmanager
def reported(access: Access, *errors: type[Exception], refusals: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Turns a library's exceptions into faults; `refusals` are those that mean wrong credentials."""
    known: tuple[type[Exception], ...] = (OSError, EOFError, *errors)
    try:
        yield
    except refusals as error:
        raise denied(access, error) from error
    except known as error:
        raise lost(access, error) from error
