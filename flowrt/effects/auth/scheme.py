"""What every authentication scheme does: sign a request, and look at the answer.

Invariant: a scheme never sends the request it signs; it may well talk to an authorization server before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from flowrt.core.effect import Effect

from ..client import Request, Response


@dataclass(frozen=True, slots=True)
class Signed:
    """A request with its credentials, and what `$authorization` shows: `{"scheme", "parameter"}`."""

    request: Request
    authorization: dict[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Answered:
    """A response, the request as it was signed for it, and what `$authorization` shows."""

    request: Request
    response: Response
    authorization: dict[str, str] | None = field(default=None, repr=False)


class Scheme(Protocol):
    """One policy in use. Shared by all calls that have the same policy."""

    async def sign(self, request: Request, effect: Effect | None) -> Signed:
        """Raises `authentication`/401 when the credentials cannot be had."""
        ...

    def settle(self, signed: Signed, response: Response) -> bool:
        """Takes note of the answer; true if the request, signed anew, may fare better."""
        ...


def with_credentials(request: Request, scheme: str, parameter: str) -> Signed:
    """The request with `Authorization: <scheme> <parameter>`."""
    signed = request.with_header("Authorization", f"{scheme} {parameter}")
    return Signed(signed, {"scheme": scheme, "parameter": parameter})
