"""OpenID Connect: the token endpoint is found in the provider's metadata."""

from __future__ import annotations

from typing import Any

import pytest

from flowrt.core.fault import PREFIX
from tests.effects.auth.authorization_server import CLIENT, SECRET, AuthorizationServer
from tests.effects.auth.conftest import CallWith, Clock, FaultWith
from tests.effects.http.local_web import Answer, Web, answer

METADATA = "/realms/fake/.well-known/openid-configuration"


@pytest.fixture(autouse=True)
def provider(web: Web, issuer: AuthorizationServer) -> None:
    web.on["/x"] = answer(200, "in")
    issuer.on[METADATA] = answer(
        200, {"issuer": f"{issuer.url}/realms/fake", "token_endpoint": f"{issuer.url}/custom/token"}
    )


def policy(issuer: AuthorizationServer, path: str = "/realms/fake", **members: Any) -> dict[str, Any]:
    client = {"id": CLIENT, "secret": SECRET}
    whole = {"authority": f"{issuer.url}{path}", "grant": "client_credentials", "client": client, **members}
    return {"oidc": whole}


@pytest.mark.parametrize("path", ["/realms/fake", "/realms/fake/", METADATA])
async def test_discovery(issuer: AuthorizationServer, call: CallWith, path: str) -> None:
    outcome = await call(policy(issuer, path))
    assert outcome.authorization == {"scheme": "Bearer", "parameter": "token-1"}
    assert [asked.path for asked in issuer.asked] == [METADATA, "/custom/token"]


async def test_metadata_are_kept_for_an_hour(issuer: AuthorizationServer, call: CallWith, clock: Clock) -> None:
    issuer.expires_in = 600
    for _ in range(3):
        await call(policy(issuer))
        clock.now += 1500
    await call(policy(issuer))
    assert [asked.path for asked in issuer.asked].count(METADATA) == 2


async def test_issuers(issuer: AuthorizationServer, call: CallWith, fault: FaultWith) -> None:
    issuer.issuer = f"{issuer.url}/realms/fake"
    assert (await call(policy(issuer, issuers=[issuer.issuer]))).output == "in"
    wrong = await fault(policy(issuer, issuers=["https://other"]))
    assert (wrong.type, wrong.status) == (PREFIX + "authentication", 401)
    assert "not among the policy's issuers" in (wrong.detail or "")


@pytest.mark.parametrize(
    ("reply", "what"),
    [
        (answer(404, {}), "answered 404 Not Found"),
        (answer(200, text="<html>"), "has no token_endpoint"),
        (answer(200, {"issuer": "x"}), "has no token_endpoint"),
    ],
)
async def test_unusable_metadata(issuer: AuthorizationServer, fault: FaultWith, reply: Answer, what: str) -> None:
    issuer.on[METADATA] = reply
    wrong = await fault(policy(issuer))
    assert (wrong.type, wrong.status) == (PREFIX + "authentication", 401)
    assert f"{issuer.url}{METADATA}" in (wrong.detail or "")
    assert what in (wrong.detail or "")


async def test_authorization_code_is_refused(issuer: AuthorizationServer, fault: FaultWith) -> None:
    wrong = await fault(policy(issuer, grant="authorization_code"))
    assert wrong.type == PREFIX + "configuration"
    assert "oidc.grant" in (wrong.detail or "")
