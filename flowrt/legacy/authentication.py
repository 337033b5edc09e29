"""Authentication: the auth definitions of 0.8 as policies under `use.authentications`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flowrt.core.template import whole_expression
from flowrt.legacy.source import Source

Json = Any

SECRET = re.compile(r"\$SECRETS?\.([A-Za-z_]\w*)")
GRANTS = {
    "password": "password",
    "clientCredentials": "client_credentials",
    "tokenExchange": "urn:ietf:params:oauth:grant-type:token-exchange",
}


def policy(source: Source, auth: Mapping[str, Json], where: str) -> Json:
    """One policy."""
    scheme, properties = str(auth.get("scheme") or "basic"), auth.get("properties")
    if scheme not in ("basic", "bearer", "oauth2"):
        source.notes.problem(f"{where}/scheme", f"'{scheme}' is no scheme; they are basic, bearer, oauth2")
        return {"basic": {"username": "", "password": ""}}
    if isinstance(properties, str):
        match = SECRET.fullmatch(whole_expression(properties) or "")
        if match is None:
            source.notes.problem(f"{where}/properties", "as text this is an expression such as ${ $SECRETS.name }")
        return {scheme: {"use": match[1] if match else ""}}
    given = source.expressions.value({name: value for name, value in (properties or {}).items() if name != "metadata"})
    return {scheme: _oauth2(source, given, f"{where}/properties") if scheme == "oauth2" else given}


def _oauth2(source: Source, given: Mapping[str, Json], where: str) -> Json:
    grant = str(given.get("grantType"))
    if grant not in GRANTS:
        source.notes.problem(f"{where}/grantType", f"'{grant}' is no grant type; they are {', '.join(GRANTS)}")
    if not given.get("authority"):
        source.notes.add(where, "1.0 wants an 'authority'")
    found: dict[str, Json] = {"authority": given.get("authority", ""), "grant": GRANTS.get(grant, grant)}
    client = {to: given[from_] for from_, to in (("clientId", "id"), ("clientSecret", "secret")) if given.get(from_)}
    if client:
        found["client"] = client
    found |= {name: given[name] for name in ("scopes", "audiences", "username", "password") if given.get(name)}
    if given.get("subjectToken"):
        token = {"token": given["subjectToken"], "type": "urn:ietf:params:oauth:token-type:access_token"}
        found["subject"] = token
    for name in ("requestedSubject", "requestedIssuer"):
        if given.get(name):
            source.notes.add(f"{where}/{name}", "has no counterpart")
    return found
