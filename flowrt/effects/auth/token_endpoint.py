"""One conversation with a token endpoint: the request of a grant, and the token in its answer.

Invariant: whatever fails here is `authentication`/401 and names the endpoint, never a secret.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus, urlencode

import orjson

from flowrt.core.effect import Effect
from flowrt.core.fault import PREFIX, Fault, Faulted

from ..client import Clients, Request, Response
from ..client.messages import redacted
from .grant import FORM, TOKEN_EXCHANGE, Grant, OAuthClient

_DEFAULT_LIFETIME_S = 300.0
"""For a server that does not say how long its token lives."""
_LONGEST_DESCRIPTION = 500


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and when it must no longer be used, in epoch seconds."""

    access: str = field(repr=False)
    scheme: str
    expires_at: float
    refresh: str | None = field(default=None, repr=False)
    id_token: str | None = field(default=None, repr=False)


def unauthenticated(detail: str) -> Faulted:
    """`authentication`/401."""
    return Faulted(Fault.of("authentication", detail))


async def asked(clients: Clients, request: Request, effect: Effect | None, what: str) -> Response:
    """The answer of an authorization server; what keeps it from us is an authentication fault, too."""
    try:
        return await clients.send(request, effect)
    except Faulted as error:
        if error.fault.type != PREFIX + "communication":
            raise
        raise unauthenticated(f"{what}: {error.fault.detail}") from error


async def fetch_token(
    clients: Clients, endpoint: str, grant: Grant, refresh_token: str | None, effect: Effect | None, now: float
) -> Token:
    """Asks `endpoint` for a token. `refresh_token` replaces the policy's own: servers may exchange it at each use."""
    request = _request(endpoint, grant, refresh_token, now)
    response = await asked(clients, request, effect, "no token")
    secrets = grant.secrets() | ({refresh_token} if refresh_token else set())
    try:
        answer = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        answer = None
    if not isinstance(answer, Mapping):
        raise unauthenticated(f"no token: {request.shown()} answered {response.status} with something else than JSON")
    if not 200 <= response.status < 300 or "error" in answer:
        why = redacted(_reason(answer), secrets)
        raise unauthenticated(f"no token: {request.shown()} answered {response.status} {response.reason}{why}")
    if not isinstance(answer.get("access_token"), str):
        raise unauthenticated(f"no token: {request.shown()} answered {response.status} without an access_token")
    return _token(answer, now)


def _request(endpoint: str, grant: Grant, refresh_token: str | None, now: float) -> Request:
    parameters, headers = _parameters(grant, refresh_token), [("Accept", "application/json")]
    _authenticate(grant.client, endpoint, parameters, headers, now)
    content = urlencode(parameters, doseq=True).encode() if grant.encoding == FORM else orjson.dumps(parameters)
    return Request("POST", endpoint, (*headers, ("Content-Type", grant.encoding)), content)


def _parameters(grant: Grant, refresh_token: str | None) -> dict[str, Any]:
    parameters: dict[str, Any] = {"grant_type": grant.type}
    if grant.type == "password":
        parameters |= {"username": grant.username, "password": grant.password}
    elif grant.type == "refresh_token":
        own = grant.refresh_token or (grant.subject.token if grant.subject else None)
        parameters |= {"refresh_token": refresh_token or own}
    elif grant.type == TOKEN_EXCHANGE:
        for name, token in (("subject", grant.subject), ("actor", grant.actor)):
            if token is not None:
                parameters |= {f"{name}_token": token.token, f"{name}_token_type": token.type}
    if grant.scopes:
        parameters["scope"] = " ".join(grant.scopes)
    if grant.audiences:
        parameters["audience"] = grant.audiences[0] if len(grant.audiences) == 1 else list(grant.audiences)
    return parameters


def _authenticate(
    client: OAuthClient, endpoint: str, parameters: dict[str, Any], headers: list[tuple[str, str]], now: float
) -> None:
    if client.authentication == "client_secret_basic":
        # RFC 6749, 2.3.1: each is form-encoded before the two are joined.
        pair = f"{quote_plus(client.id or '')}:{quote_plus(client.secret or '')}"
        headers.append(("Authorization", f"Basic {b64encode(pair.encode()).decode()}"))
        return
    if client.id is not None:
        parameters["client_id"] = client.id
    if client.authentication in ("client_secret_jwt", "private_key_jwt"):
        # Imported here: only these two need the JWT library.
        from .assertion import TYPE, client_assertion

        parameters |= {
            "client_assertion_type": TYPE,
            "client_assertion": client_assertion(client, endpoint, now),
        }
    elif client.authentication == "client_secret_post" and client.secret is not None:
        parameters["client_secret"] = client.secret


def _token(answer: Mapping[str, Any], now: float) -> Token:
    try:
        lifetime_s = float(answer.get("expires_in") or _DEFAULT_LIFETIME_S)
    except (TypeError, ValueError):
        lifetime_s = _DEFAULT_LIFETIME_S
    scheme = str(answer.get("token_type") or "Bearer")
    refresh, id_token = answer.get("refresh_token"), answer.get("id_token")
    return Token(
        access=answer["access_token"],
        scheme="Bearer" if scheme.lower() == "bearer" else scheme,
        expires_at=now + lifetime_s,
        refresh=refresh if isinstance(refresh, str) else None,
        id_token=id_token if isinstance(id_token, str) else None,
    )


def _reason(answer: Mapping[str, Any]) -> str:
    parts = [str(answer[name]) for name in ("error", "error_description") if answer.get(name)]
    return f": {': '.join(parts)[:_LONGEST_DESCRIPTION]}" if parts else ""
