"""Credentials: what the DSL's authentication policies come to for a broker.

Invariant: what a policy gives for HTTP (a user and password, a token, a certificate) is what a broker gets; a policy
that needs HTTP's own dialogue is refused.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from dataclasses import dataclass, field

from flowrt.core.effect import Effect, Json
from flowrt.effects.auth import Authentication
from flowrt.effects.client import ClientCertificate, Request
from flowrt.effects.client.faults import misconfigured


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who we are to a broker."""

    username: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    certificate: ClientCertificate | None = None

    def secrets(self) -> set[str]:
        """The texts that no message may contain."""
        return {text for text in (self.password, self.token) if text}


async def credentials_of(
    authentication: Authentication, policy: Json, address: str, effect: Effect
) -> tuple[Credentials, dict[str, str] | None]:
    """The credentials, and what `$authorization` shows. Raises `authentication`/401 for a token that cannot be had."""
    if policy is None:
        return Credentials(), None
    signed = await authentication.sign(Request("POST", f"https://{address}/"), policy, effect)
    certificate = signed.request.certificate
    if certificate is not None:
        return Credentials(certificate=certificate), None
    scheme, _, parameter = (signed.request.header("Authorization") or "").partition(" ")
    if scheme == "Bearer":
        return Credentials(token=parameter), signed.authorization
    if scheme == "Basic":
        username, _, password = _decoded(parameter).partition(":")
        return Credentials(username, password), signed.authorization
    raise misconfigured(
        "call: asyncapi: this authentication policy is for HTTP; brokers take basic, bearer, oauth2, oidc, certificate"
    )


def _decoded(parameter: str) -> str:
    try:
        return b64decode(parameter).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
