"""Entry: who may use the API. With a token configured, all requests but those about health must carry it (RFC 6750)."""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from flowrt.api.problems import Problem

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="flowrt"'}


def admit(token: str, headers: Mapping[str, str]) -> None:
    """Raises `Problem`/401 unless the request's headers carry the token."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Problem(401, "This server asks for a token: send `Authorization: Bearer …`.", headers=CHALLENGE)
    if not hmac.compare_digest(given.strip().encode(), token.encode()):
        wrong = {"WWW-Authenticate": f'{CHALLENGE["WWW-Authenticate"]}, error="invalid_token"'}
        raise Problem(401, "The token is not that of this server (`server.token`).", headers=wrong)
