"""Authentication policies: by name, inline or from a secret, as a template of the policy with its values.

The value is `{scheme: {…}}` with everything evaluated, as the adapters take it. Source: dsl-reference.md,
"Authentication".
"""

from __future__ import annotations

from flowrt.core.expression import Json, Lookup
from flowrt.core.fault import Fault, Faulted
from flowrt.core.reader import Reader
from flowrt.core.template import Template

OAUTH2 = (
    "authority", "grant", "client", "request", "issuers", "scopes", "audiences", "username", "password", "subject",
    "actor", "endpoints",
)  # fmt: skip
SCHEMES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "basic": (("username", "password"), ("username", "password")),
    "bearer": (("token",), ("token",)),
    "digest": (("username", "password"), ("username", "password")),
    "certificate": (("certificate", "key", "passphrase", "ca"), ("certificate", "key")),
    "oauth2": (OAUTH2, ("authority", "grant")),
    "oidc": (OAUTH2, ("authority", "grant")),
}
"""Scheme -> its properties, and the required ones."""
GRANTS = (
    "authorization_code",
    "client_credentials",
    "password",
    "refresh_token",
    "urn:ietf:params:oauth:grant-type:token-exchange",
)


def read_authentication(reader: Reader) -> Template:
    """A policy, or a reference to one under `use.authentications`."""
    policy = reader
    if isinstance(reader.value, str):
        policy = reader.referenced("authentications")
    elif (use := reader.get("use")) is not None:
        reader.object(("use",))
        policy = use.referenced("authentications")
    policy.object(SCHEMES)
    chosen = [name for name in SCHEMES if policy.get(name) is not None]
    if len(chosen) != 1:
        policy.problem("an authentication policy is exactly one of " + ", ".join(SCHEMES))
        return lambda data, lookup: None
    scheme = policy.get(chosen[0])
    assert scheme is not None
    values = _scheme(chosen[0], scheme)
    return lambda data, lookup: {chosen[0]: values(data, lookup)}


def _scheme(name: str, scheme: Reader) -> Template:
    if name == "bearer" and isinstance(scheme.value, str):
        token = scheme.template()
        return lambda data, lookup: {"token": token(data, lookup)}
    if (use := scheme.get("use")) is not None:
        scheme.object(("use",))
        return _from_secret(use)
    known, required = SCHEMES[name]
    scheme.object(known, required)
    if (grant := scheme.get("grant")) is not None:
        grant.one_of(*GRANTS)
    return scheme.template()


def _from_secret(use: Reader) -> Template:
    secret = use.string(what="the name of a secret")
    if secret and not use.build.secret(secret):
        use.problem(f"the secret '{secret}' is not listed under use.secrets", f"Add '{secret}' to use.secrets.")

    def values(_data: Json, lookup: Lookup) -> Json:
        secrets = lookup("secrets")
        if secret not in secrets:
            raise Faulted(Fault.of("authorization", f"The secret '{secret}' is not known to this runtime."))
        return secrets[secret]

    return values
