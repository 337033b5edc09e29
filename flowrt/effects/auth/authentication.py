"""Authentication: sends a request under a policy, and keeps what was agreed with servers for the next call.

Invariants: credentials are kept in memory only, under the digest of their policy, for all instances alike; a request
that is refused with 401 is repeated at most once.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from flowrt.core.effect import Effect, Json

from ..client import Clients, Request
from .policy import policy_digest, read_policy
from .scheme import Answered, Scheme, Signed
from .simple import Basic, Bearer, Certificate

_MOST_SCHEMES = 1024
_UNAUTHORIZED = 401


class Authentication:
    """One per runtime, beside its `Clients`."""

    def __init__(self, clients: Clients, *, wall_clock: Callable[[], float] = time.time) -> None:
        self._clients = clients
        self._wall_clock = wall_clock
        self._schemes: OrderedDict[str, Scheme] = OrderedDict()

    async def send(self, request: Request, policy: Json, effect: Effect | None = None) -> Answered:
        """The answer, whatever its status; `policy` None sends the request as it is.

        Raises what `Clients.send` raises, `configuration`/400 for a wrong policy, `authentication`/401 without a token.
        """
        if policy is None:
            return Answered(request, await self._clients.send(request, effect))
        scheme = self._scheme(policy)
        signed = await scheme.sign(request, effect)
        response = await self._clients.send(signed.request, effect)
        again = scheme.settle(signed, response)
        if again and response.status == _UNAUTHORIZED:
            signed = await scheme.sign(request, effect)
            response = await self._clients.send(signed.request, effect)
            scheme.settle(signed, response)
        return Answered(signed.request, response, signed.authorization)

    async def sign(self, request: Request, policy: Json, effect: Effect | None = None) -> Signed:
        """The request with its credentials, for those who send it by other means (other protocols, streams)."""
        return Signed(request) if policy is None else await self._scheme(policy).sign(request, effect)

    async def close(self) -> None:
        """Closes the connections of its `Clients` that belong to the running event loop."""
        await self._clients.close()

    def _scheme(self, policy: Json) -> Scheme:
        kind, members = read_policy(policy)
        if kind == "basic":
            return Basic(members)
        if kind == "bearer":
            return Bearer(members)
        if kind == "certificate":
            return Certificate(members)
        digest = policy_digest(policy)
        scheme = self._schemes.get(digest)
        if scheme is None:
            scheme = self._schemes[digest] = self._conversing(kind, members)
        self._schemes.move_to_end(digest)
        if len(self._schemes) > _MOST_SCHEMES:
            self._schemes.popitem(last=False)
        return scheme

    def _conversing(self, kind: str, members: Json) -> Scheme:
        # Imported here: most workflows need neither, and both bring a library with them.
        if kind == "digest":
            from .digest import Digest

            return Digest(members)
        from .oauth2 import OAuth2

        return OAuth2(kind, members, self._clients, self._wall_clock)
