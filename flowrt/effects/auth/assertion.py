"""The JWT by which a client proves who it is to an authorization server (RFC 7523)."""

from __future__ import annotations

import secrets
from typing import Any

import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key, OctKey

from .grant import OAuthClient
from .policy import misconfigured

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LIFETIME_S = 120
_BY_CURVE = {
    "P-256": "ES256",
    "P-384": "ES384",
    "P-521": "ES512",
    "secp256k1": "ES256K",
    "Ed25519": "Ed25519",
    "Ed448": "Ed448",
}
"""The usual algorithm of a key; `client.algorithm` names another, such as PS256, or EdDSA for older servers."""


def client_assertion(client: OAuthClient, audience: str, now: float) -> str:
    """A fresh assertion for the token endpoint `audience`, or the one that the policy holds."""
    if client.authentication == "private_key_jwt" and client.assertion is not None:
        return client.assertion
    if client.authentication == "client_secret_jwt":
        key: Key = OctKey.import_key(client.secret or "")
        algorithm = client.algorithm or "HS256"
    else:
        key = _private_key(client.key or "")
        algorithm = client.algorithm or _algorithm(key)
    claims: dict[str, Any] = {
        "iss": client.id,
        "sub": client.id,
        "aud": audience,
        "jti": secrets.token_urlsafe(16),
        "iat": int(now),
        "exp": int(now) + _LIFETIME_S,
    }
    header = {"alg": algorithm} | ({"kid": client.key_id} if client.key_id else {})
    try:
        return jwt.encode(header, claims, key, algorithms=[algorithm])
    except (JoseError, ValueError, TypeError) as error:
        raise misconfigured("client.key", f"it cannot sign with {algorithm} ({type(error).__name__})") from error


def _private_key(text: str) -> Key:
    try:
        if text.lstrip().startswith("{"):
            return JWKRegistry.import_key(orjson.loads(text))
        for kind in ("RSA", "EC", "OKP"):
            try:
                return JWKRegistry.import_key(text, kind)
            except (JoseError, ValueError, TypeError):
                continue
    except (JoseError, ValueError, TypeError) as error:
        raise misconfigured("client.key", "it is not a valid JWK") from error
    raise misconfigured("client.key", "it is not a private key in PEM or JWK form")


def _algorithm(key: Key) -> str:
    return _BY_CURVE.get(str(key.as_dict(private=False).get("crv")), "RS256")
