"""The specification's examples of authentication."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from tests.conformance.examples.stage import PET, Stage, staged
from tests.effects.http.local_web import Asked, answer

Json = Any
REALM = "/realms/fake-authority"
CLIENT, SECRET = "workflow-runtime-id", "workflow-runtime-secret"


def authorize(stage: Stage, token_path: str) -> None:
    """An authorization server, and a pet store that takes nothing but its token."""

    def token(request: Asked) -> Any:
        by_header = request.header("authorization") == f"Basic {b64encode(f'{CLIENT}:{SECRET}'.encode()).decode()}"
        by_form = (request.form.get("client_id"), request.form.get("client_secret")) == (CLIENT, SECRET)
        if request.form.get("grant_type") != "client_credentials" or not (by_header or by_form):
            return answer(401, {"error": "invalid_client"})
        return answer(200, {"access_token": "t0ken", "token_type": "Bearer", "expires_in": 60})

    def pet(request: Asked) -> Any:
        return answer(200, PET) if request.header("authorization") == "Bearer t0ken" else answer(401)

    found = {"issuer": f"{stage.web.url}{REALM}", "token_endpoint": f"{stage.web.url}{token_path}"}
    stage.web.on[f"{REALM}/.well-known/openid-configuration"] = answer(200, found)
    stage.web.on[token_path] = token
    stage.web.on["/v2/pet/7"] = stage.web.on["/v2/pet/1"] = pet


@pytest.mark.parametrize(
    "name", ["authentication-bearer", "authentication-bearer-uri-format", "authentication-reusable"]
)
async def test_a_token_of_the_input(stage: Stage, name: str) -> None:
    authorize(stage, "/token")
    assert await stage.output(name, {"petId": 7, "token": "t0ken"}) == PET
    result = await stage.run(name, {"petId": 7, "token": "other"})
    assert (result.error or {})["status"] == 401


@pytest.mark.parametrize(
    ("name", "token_path"),
    [("authentication-oauth2", f"{REALM}/auth/token"), ("authentication-oidc", "/token")],
)
async def test_a_token_of_an_authorization_server(stage: Stage, name: str, token_path: str) -> None:
    authorize(stage, token_path)
    assert await stage.output(name, {"petId": 7}) == PET


@pytest.mark.parametrize(
    ("name", "token_path"),
    [("authentication-oauth2-secret", f"{REALM}/oauth2/token"), ("authentication-oidc-secret", "/token")],
)
async def test_a_policy_that_is_a_secret(stage: Stage, name: str, token_path: str) -> None:
    client = {"id": CLIENT, "secret": SECRET}
    secret = {"authority": f"{{}}{REALM}", "grant": "client_credentials", "client": client}
    secrets: dict[str, Json] = {"mySecret": secret}
    async with staged(secrets=secrets) as with_secret:
        secret["authority"] = f"{with_secret.web.url}{REALM}"
        authorize(with_secret, token_path)
        assert await with_secret.output(name, {"petId": 7}) == PET
