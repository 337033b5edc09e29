"""Circuit breaker: stops calling a host that keeps failing, and tries again with one call after a while.

Invariant: while a host is open, at most one call at a time goes through, and only after `reset_s`.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from .faults import no_answer
from .messages import Request
from .settings import Breaker

_MOST_CIRCUITS = 1024


@dataclass(slots=True)
class _Circuit:
    failures: int = 0
    open_until: float = 0.0


class Breakers:
    """The circuits of one client, one per host and port that failed lately. Times are the event loop's."""

    def __init__(self, breaker: Breaker) -> None:
        self._breaker = breaker
        self._circuits: dict[str, _Circuit] = {}

    def check(self, request: Request, now: float) -> None:
        """Raises `communication`/503 when the host is left alone; else lets this call try."""
        circuit = self._circuits.get(_host(request))
        if circuit is None or circuit.failures < self._breaker.failures:
            return
        if now < circuit.open_until:
            raise no_answer(
                request,
                f"not sent: {circuit.failures} calls in a row failed, "
                f"the circuit breaker tries again in {circuit.open_until - now:.1f} s",
            )
        circuit.open_until = now + self._breaker.reset_s

    def record(self, request: Request, *, failed: bool, now: float) -> None:
        """Tells how a call that was let through went."""
        if not self._breaker.failures:
            return
        host = _host(request)
        if not failed:
            self._circuits.pop(host, None)
            return
        if len(self._circuits) >= _MOST_CIRCUITS and host not in self._circuits:
            del self._circuits[next(iter(self._circuits))]
        circuit = self._circuits.setdefault(host, _Circuit())
        circuit.failures += 1
        if circuit.failures >= self._breaker.failures:
            circuit.open_until = now + self._breaker.reset_s


def _host(request: Request) -> str:
    parts = urlsplit(request.url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2].lower()}"
