"""OAuth 2.0 and OpenID Connect with an authorization server that others wrote: Keycloak."""

from __future__ import annotations

import json
import urllib.request
from typing import Any
from urllib.parse import urlencode

import pytest

from flowrt.core.effect import Effect
from flowrt.core.fault import PREFIX, Faulted
from flowrt.effects.auth import Authentication
from flowrt.effects.client import Clients
from flowrt.effects.http import HttpCall
from tests.servers.keycloak import Keycloak

Json = Any
REALM, CLIENT, SECRET = "shop", "workflows", "s3cret: ä&+"
USER, PASSWORD = "ann", "pa ss&word"


def ask(url: str, token: str | None = None, body: Json = None, form: dict[str, str] | None = None) -> Json:
    data = urlencode(form).encode() if form is not None else None if body is None else json.dumps(body).encode()
    headers = {} if form is not None else {"Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=60) as response:
        return json.loads(response.read() or b"null")


@pytest.fixture(scope="session")
def realm(keycloak_server: Keycloak) -> str:
    """The address of a realm with one client that may do everything and one user."""
    server = keycloak_server
    form = {"grant_type": "password", "client_id": "admin-cli", "username": server.admin, "password": server.password}
    token = ask(server.token_url, form=form)["access_token"]
    # Plain HTTP is for this machine only, which is where the tests are.
    client = {
        "clientId": CLIENT,
        "secret": SECRET,
        "serviceAccountsEnabled": True,
        "directAccessGrantsEnabled": True,
        "attributes": {"standard.token.exchange.enabled": "true"},
    }
    user = {
        "username": USER,
        "enabled": True,
        "email": "ann@example.org",
        "firstName": "Ann",
        "lastName": "Lee",
        "credentials": [{"type": "password", "value": PASSWORD}],
    }
    ask(f"{server.url}/admin/realms", token, {"realm": REALM, "enabled": True, "clients": [client], "users": [user]})
    return f"{server.url}/realms/{REALM}"


def policy(realm: str, scheme: str, **more: Json) -> Json:
    members = {
        "authority": realm,
        "client": {"id": CLIENT, "secret": SECRET, **more.pop("client", {})},
        "scopes": ["openid"],
        **more,
    }
    if scheme == "oauth2":
        members["endpoints"] = {"token": "/protocol/openid-connect/token"}
    return {scheme: members}


async def who(realm: str, given: Json) -> Json:
    """What Keycloak says of the one that calls it under the policy."""
    clients = Clients()
    call = HttpCall(clients, Authentication(clients))
    address = f"{realm}/protocol/openid-connect/userinfo"
    effect = Effect("http", {"method": "get", "endpoint": {"uri": address, "authentication": given}}, "01J", "/do/0/x")
    try:
        return (await call.run(effect)).output
    finally:
        await call.close()


@pytest.mark.parametrize("scheme", ["oauth2", "oidc"])
@pytest.mark.parametrize("way", ["client_secret_basic", "client_secret_post"])
async def test_as_the_client_itself(realm: str, scheme: str, way: str) -> None:
    given = policy(realm, scheme, grant="client_credentials", client={"authentication": way})
    assert (await who(realm, given))["preferred_username"] == f"service-account-{CLIENT}"


@pytest.mark.parametrize("scheme", ["oauth2", "oidc"])
async def test_as_a_user(realm: str, scheme: str) -> None:
    given = policy(realm, scheme, grant="password", username=USER, password=PASSWORD)
    assert (await who(realm, given))["email"] == "ann@example.org"


async def test_a_token_that_is_exchanged(realm: str) -> None:
    form = {"grant_type": "password", "client_id": CLIENT, "client_secret": SECRET, "scope": "openid"}
    url = f"{realm}/protocol/openid-connect/token"
    first = ask(url, form={**form, "username": USER, "password": PASSWORD})
    kind = "urn:ietf:params:oauth:token-type:access_token"
    exchange = "urn:ietf:params:oauth:grant-type:token-exchange"
    subject = {"token": first["access_token"], "type": kind}
    given = policy(realm, "oidc", grant=exchange, subject=subject)
    assert (await who(realm, given))["preferred_username"] == USER


@pytest.mark.parametrize("wrong", [{"client": {"secret": "other"}}, {"password": "other"}])
async def test_who_is_not_believed(realm: str, wrong: Json) -> None:
    given = policy(realm, "oidc", **{"grant": "password", "username": USER, "password": PASSWORD, **wrong})
    with pytest.raises(Faulted) as caught:
        await who(realm, given)
    assert (caught.value.fault.type, caught.value.fault.status) == (f"{PREFIX}authentication", 401)
    assert PASSWORD not in str(caught.value)
    assert SECRET not in str(caught.value)
