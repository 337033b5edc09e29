"""Where an OpenID provider has its token endpoint (OpenID Connect Discovery 1.0)."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import orjson

from flowrt.core.effect import Effect

from ..client import Clients, Request
from .grant import Grant
from .token_endpoint import asked, unauthenticated

_WELL_KNOWN = "/.well-known/"


def discovery_url(authority: str) -> str:
    """The authority may be the issuer or the address of its metadata."""
    if _WELL_KNOWN in urlsplit(authority).path:
        return authority
    return f"{authority.rstrip('/')}{_WELL_KNOWN}openid-configuration"


async def discover_token_endpoint(clients: Clients, grant: Grant, effect: Effect | None) -> str:
    """Raises `authentication`/401 without usable metadata, or when its issuer is not one of the policy's `issuers`."""
    request = Request("GET", discovery_url(grant.authority), (("Accept", "application/json"),), follow_redirects=True)
    response = await asked(clients, request, effect, "no OpenID metadata")
    if response.status != 200:
        raise unauthenticated(f"no OpenID metadata: {request.shown()} answered {response.status} {response.reason}")
    try:
        metadata = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        metadata = None
    endpoint = metadata.get("token_endpoint") if isinstance(metadata, Mapping) else None
    if not isinstance(endpoint, str):
        raise unauthenticated(f"no OpenID metadata: {request.shown()} has no token_endpoint")
    issuer = metadata.get("issuer")
    if grant.issuers and issuer not in grant.issuers:
        raise unauthenticated(f"{request.shown()} is of the issuer {issuer!r}, which is not among the policy's issuers")
    return endpoint
