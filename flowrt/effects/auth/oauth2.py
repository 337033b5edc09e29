"""OAuth 2.0 and OpenID Connect: a bearer token from an authorization server, kept until it expires.

Invariants: for one policy at most one token request is under way; a refused token is replaced once, not once per call.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from flowrt.core.effect import Effect

from ..client import Clients, Request, Response
from ..client.flight import SingleFlight
from ..client.messages import shown_url
from .discovery import discover_token_endpoint
from .grant import Grant, read_grant
from .scheme import Signed, with_credentials
from .token_endpoint import Token, fetch_token, unauthenticated

_LONGEST_LEEWAY_S = 30.0
_LEEWAY_SHARE = 0.1
"""Of a short-lived token's life."""
_METADATA_LIFETIME_S = 3600.0


class OAuth2:
    """The policies `oauth2` and `oidc`, which differ in how the token endpoint is found."""

    def __init__(
        self, kind: str, members: Mapping[str, Any], clients: Clients, wall_clock: Callable[[], float]
    ) -> None:
        self._grant = read_grant(kind, members)
        self._discovers = kind == "oidc"
        self._clients = clients
        self._wall_clock = wall_clock
        self._token: Token | None = None
        self._usable_until = 0.0
        self._refresh_token: str | None = None
        self._endpoint: str | None = None
        self._endpoint_until = 0.0
        self._flight: SingleFlight[Token] = SingleFlight()

    async def sign(self, request: Request, effect: Effect | None) -> Signed:
        token = self._token
        if token is None or self._wall_clock() >= self._usable_until:
            token = await self._flight.run("token", lambda: self._fetch(effect))
        return with_credentials(request, token.scheme, token.access)

    def settle(self, signed: Signed, response: Response) -> bool:
        if response.status != 401:
            return False
        refused = signed.authorization["parameter"] if signed.authorization else None
        if self._token is not None and self._token.access == refused:
            self._token = None
        return True

    async def _fetch(self, effect: Effect | None) -> Token:
        now = self._wall_clock()
        endpoint = await self._token_endpoint(effect, now)
        token = await fetch_token(self._clients, endpoint, self._grant, self._refresh_token, effect, now)
        _check_issuer(self._grant, token, endpoint)
        life_s = token.expires_at - now
        self._usable_until = token.expires_at - min(_LONGEST_LEEWAY_S, life_s * _LEEWAY_SHARE)
        self._refresh_token = token.refresh or self._refresh_token
        self._token = token
        return token

    async def _token_endpoint(self, effect: Effect | None, now: float) -> str:
        if not self._discovers:
            path = self._grant.token_path
            if path.startswith(("http://", "https://")):
                return path
            return f"{self._grant.authority.rstrip('/')}/{path.lstrip('/')}"
        if self._endpoint is None or now >= self._endpoint_until:
            self._endpoint = await discover_token_endpoint(self._clients, self._grant, effect)
            self._endpoint_until = now + _METADATA_LIFETIME_S
        return self._endpoint


def _check_issuer(grant: Grant, token: Token, endpoint: str) -> None:
    if not grant.issuers:
        return
    issuer = _issuer(token.access) or _issuer(token.id_token or "")
    if issuer is None:
        raise unauthenticated(
            f"the token from {shown_url(endpoint)} does not name its issuer, so that it cannot be checked "
            "against the policy's issuers; leave `issuers` out for opaque tokens"
        )
    if issuer not in grant.issuers:
        raise unauthenticated(
            f"the token from {shown_url(endpoint)} is of the issuer {issuer!r}, which is not among the policy's issuers"
        )


def _issuer(token: str) -> str | None:
    """The `iss` claim. The signature is the resource server's business: this token came straight from its maker."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = orjson.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (Base64Error, ValueError):
        return None
    issuer = claims.get("iss") if isinstance(claims, Mapping) else None
    return issuer if isinstance(issuer, str) else None
