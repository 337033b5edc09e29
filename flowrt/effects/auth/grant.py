"""A token grant, read from the members of an `oauth2` or `oidc` policy.

Invariants: a `Grant` is complete for its type and its way to authenticate the client; it never shows its secrets.
Source: dsl-reference.md, "OAUTH2 Authentication" and "OpenIdConnect Authentication".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .policy import INTERACTIVE, misconfigured, required_text, text, texts

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
GRANTS = ("client_credentials", "password", "refresh_token", TOKEN_EXCHANGE)
CLIENT_AUTHENTICATIONS = ("client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none")
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


@dataclass(frozen=True, slots=True)
class SecurityToken:
    """A token that stands for somebody, in a token exchange."""

    token: str = field(repr=False)
    type: str


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """How the runtime identifies itself to the authorization server."""

    authentication: str
    id: str | None
    secret: str | None = field(default=None, repr=False)
    assertion: str | None = field(default=None, repr=False)
    """A signed JWT, as it is."""
    key: str | None = field(default=None, repr=False)
    """A private key (PEM or JWK text) to sign an assertion with for each request."""
    key_id: str | None = None
    algorithm: str | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """What to ask an authorization server for, and how."""

    type: str
    authority: str
    client: OAuthClient
    token_path: str = "/oauth2/token"
    encoding: str = FORM
    issuers: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    subject: SecurityToken | None = None
    actor: SecurityToken | None = None

    def secrets(self) -> set[str]:
        """The texts that no message may contain."""
        tokens = [each.token for each in (self.subject, self.actor) if each is not None]
        client = (self.client.secret, self.client.assertion, self.client.key)
        return {each for each in (*client, self.password, self.refresh_token, *tokens) if each}


def read_grant(kind: str, members: Mapping[str, Any]) -> Grant:
    """Raises `configuration`/400 for what is missing or cannot be."""
    grant_type = required_text(members, "grant", kind)
    if grant_type == "authorization_code":
        raise misconfigured(f"{kind}.grant", INTERACTIVE)
    if grant_type not in GRANTS:
        raise misconfigured(f"{kind}.grant", f"it must be one of {', '.join(GRANTS)}")
    encoding = text(_object(members, "request", kind), "encoding", f"{kind}.request") or FORM
    if encoding not in (FORM, JSON):
        raise misconfigured(f"{kind}.request.encoding", f"it must be {FORM} or {JSON}")
    grant = Grant(
        type=grant_type,
        authority=required_text(members, "authority", kind),
        client=_client(_object(members, "client", kind), f"{kind}.client"),
        token_path=text(_object(members, "endpoints", kind), "token", f"{kind}.endpoints") or "/oauth2/token",
        encoding=encoding,
        issuers=texts(members, "issuers", kind),
        scopes=texts(members, "scopes", kind),
        audiences=texts(members, "audiences", kind),
        username=text(members, "username", kind),
        password=text(members, "password", kind),
        refresh_token=text(members, "refreshToken", kind) or text(members, "refresh_token", kind),
        subject=_token(members, "subject", kind),
        actor=_token(members, "actor", kind),
    )
    _require_what_the_type_needs(grant, kind)
    return grant


def _require_what_the_type_needs(grant: Grant, kind: str) -> None:
    needed: dict[str, Any] = {}
    if grant.type == "password":
        needed = {"username": grant.username, "password": grant.password}
    elif grant.type == "refresh_token":
        # The specification gives a refresh token no member of its own; the subject is whom it stands for.
        needed = {"refreshToken (or subject.token)": grant.refresh_token or grant.subject}
    elif grant.type == TOKEN_EXCHANGE:
        needed = {"subject": grant.subject}
    for name, value in needed.items():
        if value is None:
            raise misconfigured(f"{kind}.{name}", f"it is missing; the grant {grant.type} needs it")


def _client(members: Mapping[str, Any], where: str) -> OAuthClient:
    way = text(members, "authentication", where)
    if way is not None and way not in CLIENT_AUTHENTICATIONS:
        raise misconfigured(f"{where}.authentication", f"it must be one of {', '.join(CLIENT_AUTHENTICATIONS)}")
    client = OAuthClient(
        authentication=way or "client_secret_post",
        id=text(members, "id", where),
        secret=text(members, "secret", where),
        assertion=text(members, "assertion", where),
        key=text(members, "key", where),
        key_id=text(members, "keyId", where),
        algorithm=text(members, "algorithm", where),
    )
    if client.id is None and client.authentication != "none" and client.assertion is None:
        raise misconfigured(f"{where}.id", "it is missing")
    if way is not None and way.startswith("client_secret") and client.secret is None:
        raise misconfigured(f"{where}.secret", f"it is missing; {way} needs it")
    if way == "private_key_jwt" and client.assertion is None and client.key is None:
        raise misconfigured(f"{where}.assertion", "it is missing; private_key_jwt needs it, or `key` to sign one with")
    return client


def _token(members: Mapping[str, Any], name: str, where: str) -> SecurityToken | None:
    if members.get(name) is None:
        return None
    token, inner = _object(members, name, where), f"{where}.{name}"
    return SecurityToken(required_text(token, "token", inner), required_text(token, "type", inner))


def _object(members: Mapping[str, Any], name: str, where: str) -> Mapping[str, Any]:
    value = members.get(name) or {}
    if not isinstance(value, Mapping):
        raise misconfigured(f"{where}.{name}", "it must be an object")
    return value
