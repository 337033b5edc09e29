"""A small OAuth 2.0 authorization server: it checks who asks, by every method the DSL names, and hands out tokens."""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, OctKey, RSAKey

from tests.effects.http.local_web import Answer, Asked, Web, answer

CLIENT, SECRET = "runtime+1", "s3cret: with/ä and a length of more than 32 bytes"
SIGNER = OctKey.generate_key(256)


@dataclass
class AuthorizationServer(Web):
    """`issued` holds the parameters of each token request that was granted, in order."""

    issued: list[dict[str, Any]] = field(default_factory=list)
    client_key: Key | None = None
    """The public key of a client that signs its assertions."""
    expires_in: Any = 3600
    with_refresh_token: bool = False
    issuer: str | None = None
    """Makes tokens JWTs with this issuer."""
    last_refresh_token: str | None = None

    async def __aenter__(self) -> AuthorizationServer:
        await super().__aenter__()
        self.on["/oauth2/token"] = self.on["/custom/token"] = self.token
        return self

    def token(self, asked: Asked) -> Answer:
        is_json = asked.header("content-type") == "application/json"
        parameters: dict[str, Any] = json.loads(asked.body) if is_json else asked.form
        who = self._client(asked, parameters)
        if who is None:
            return answer(401, {"error": "invalid_client", "error_description": "who are you?"})
        refused = self._refused(parameters)
        if refused:
            return answer(400, {"error": "invalid_grant", "error_description": refused})
        self.issued.append(parameters | {"authenticated": who})
        number = len(self.issued)
        token = f"token-{number}"
        if self.issuer is not None:
            token = jwt.encode({"alg": "HS256"}, {"iss": self.issuer, "n": number}, SIGNER)
        granted: dict[str, Any] = {"access_token": token, "token_type": "bearer", "expires_in": self.expires_in}
        if self.with_refresh_token:
            granted["refresh_token"] = self.last_refresh_token = f"refresh-{number}"
        return answer(200, granted)

    def _client(self, asked: Asked, parameters: dict[str, Any]) -> str | None:
        credentials = asked.header("authorization")
        if credentials is not None:
            name, _, secret = b64decode(credentials.removeprefix("Basic ")).decode().partition(":")
            good = (unquote_plus(name), unquote_plus(secret)) == (CLIENT, SECRET)
            return "client_secret_basic" if good and "client_secret" not in parameters else None
        if "client_assertion" in parameters:
            return self._asserted(parameters)
        if "client_secret" in parameters:
            good = (parameters.get("client_id"), parameters["client_secret"]) == (CLIENT, SECRET)
            return "client_secret_post" if good else None
        return "none" if parameters.get("client_id") == "public" else None

    def _asserted(self, parameters: dict[str, Any]) -> str | None:
        if parameters["client_assertion_type"] != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer":
            return None
        key = self.client_key or OctKey.import_key(SECRET)
        try:
            algorithms = ["HS256", "RS256", "PS256", "ES256", "Ed25519"]
            claims = jwt.decode(parameters["client_assertion"], key, algorithms=algorithms).claims
        except (JoseError, ValueError, TypeError):
            return None
        known = claims["iss"] == claims["sub"] == CLIENT and claims["jti"] and claims["exp"] == claims["iat"] + 120
        good = known and claims["aud"] in (f"{self.url}/oauth2/token", f"{self.url}/custom/token")
        return ("private_key_jwt" if self.client_key else "client_secret_jwt") if good else None

    def _refused(self, parameters: dict[str, Any]) -> str | None:
        if parameters["grant_type"] == "password" and parameters["password"] != "pa ss&word":
            return f"wrong password {parameters['password']}"
        if parameters["grant_type"] == "refresh_token":
            expected = self.last_refresh_token or "first-refresh"
            return None if parameters["refresh_token"] == expected else "spent refresh token"
        return None


def rsa_key() -> RSAKey:
    return RSAKey.generate_key(2048)
