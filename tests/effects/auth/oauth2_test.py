"""Tokens from an authorization server: grants, client authentication, caching, failures."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from joserfc.jwk import ECKey, Key, OKPKey

from flowrt.core.fault import PREFIX
from tests.effects.auth.authorization_server import CLIENT, SECRET, AuthorizationServer, rsa_key
from tests.effects.auth.conftest import CallWith, Clock, FaultWith
from tests.effects.http.local_web import Answer, Asked, Web, answer

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS = "urn:ietf:params:oauth:token-type:access_token"


@pytest.fixture(autouse=True)
def resource(web: Web) -> None:
    web.on["/x"] = answer(200, "in")


def policy(issuer: AuthorizationServer, grant: str = "client_credentials", **members: Any) -> dict[str, Any]:
    client = {"id": CLIENT, "secret": SECRET} | members.pop("client", {})
    return {"oauth2": {"authority": issuer.url, "grant": grant, "client": client, **members}}


async def test_client_credentials(web: Web, issuer: AuthorizationServer, call: CallWith) -> None:
    outcome = await call(policy(issuer, scopes=["api", "more"], audiences=["runtime"]))
    assert outcome.output == "in"
    assert outcome.authorization == {"scheme": "Bearer", "parameter": "token-1"}
    assert web.asked[0].header("authorization") == "Bearer token-1"
    assert issuer.asked[0].header("accept") == "application/json"
    [issued] = issuer.issued
    assert issued == {
        "grant_type": "client_credentials",
        "client_id": CLIENT,
        "client_secret": SECRET,
        "scope": "api more",
        "audience": "runtime",
        "authenticated": "client_secret_post",
    }


@pytest.mark.parametrize("encoding", ["application/x-www-form-urlencoded", "application/json"])
@pytest.mark.parametrize("way", ["client_secret_basic", "client_secret_post", "client_secret_jwt"])
async def test_client_secrets(issuer: AuthorizationServer, call: CallWith, way: str, encoding: str) -> None:
    await call(policy(issuer, client={"authentication": way}, request={"encoding": encoding}))
    assert issuer.issued[0]["authenticated"] == way
    assert issuer.asked[0].header("content-type") == encoding


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (rsa_key(), None),
        (rsa_key(), "PS256"),
        (ECKey.generate_key("P-256"), None),
        (OKPKey.generate_key("Ed25519"), None),
    ],
)
@pytest.mark.parametrize("form", ["pem", "jwk"])
async def test_private_key(
    issuer: AuthorizationServer, call: CallWith, key: Key, algorithm: str | None, form: str
) -> None:
    issuer.client_key = key
    text = key.as_pem(private=True).decode() if form == "pem" else key_as_json(key)
    client = {"authentication": "private_key_jwt", "key": text, "keyId": "k1", "algorithm": algorithm, "secret": None}
    await call(policy(issuer, client=client))
    assert issuer.issued[0]["authenticated"] == "private_key_jwt"


def key_as_json(key: Key) -> str:
    return json.dumps(key.as_dict(private=True))


async def test_a_given_assertion_is_sent_as_it_is(issuer: AuthorizationServer, fault: FaultWith) -> None:
    issuer.client_key = rsa_key()
    client = {"authentication": "private_key_jwt", "assertion": "not.our.key", "secret": None}
    refused = await fault(policy(issuer, client=client))
    assert issuer.asked[0].form["client_assertion"] == "not.our.key"
    assert refused.status == 401
    assert "not.our.key" not in (refused.detail or "")


async def test_public_client(issuer: AuthorizationServer, call: CallWith) -> None:
    await call(policy(issuer, client={"id": "public", "secret": None, "authentication": "none"}))
    assert issuer.issued[0]["authenticated"] == "none"


async def test_password_grant(issuer: AuthorizationServer, call: CallWith) -> None:
    await call(policy(issuer, "password", username="anna", password="pa ss&word"))
    assert (issuer.issued[0]["username"], issuer.issued[0]["password"]) == ("anna", "pa ss&word")


async def test_token_exchange(issuer: AuthorizationServer, call: CallWith) -> None:
    tokens = {"subject": {"token": "s-1", "type": ACCESS}, "actor": {"token": "a-1", "type": ACCESS}}
    await call(policy(issuer, EXCHANGE, audiences=["a", "b"], **tokens))
    body = issuer.asked[0].body.decode()
    assert "subject_token=s-1" in body
    assert "actor_token=a-1" in body
    assert "audience=a&audience=b" in body
    assert body.count("token-type%3Aaccess_token") == 2


async def test_refresh_tokens_rotate(issuer: AuthorizationServer, call: CallWith, clock: Clock) -> None:
    issuer.with_refresh_token = True
    refreshing = policy(issuer, "refresh_token", refreshToken="first-refresh")
    await call(refreshing)
    clock.now += 3600
    await call(refreshing)
    assert [each["refresh_token"] for each in issuer.issued] == ["first-refresh", "refresh-1"]


async def test_the_subject_may_be_the_refresh_token(issuer: AuthorizationServer, call: CallWith) -> None:
    subject = {"token": "first-refresh", "type": "urn:ietf:params:oauth:token-type:refresh_token"}
    await call(policy(issuer, "refresh_token", subject=subject))
    assert issuer.issued[0]["refresh_token"] == "first-refresh"


@pytest.mark.parametrize("path", ["/custom/token", "custom/token", "absolute"])
async def test_token_path(issuer: AuthorizationServer, call: CallWith, path: str) -> None:
    if path == "absolute":
        path = f"{issuer.url}/custom/token"
    await call(policy(issuer, endpoints={"token": path}))
    assert issuer.asked[0].path == "/custom/token"


async def test_the_token_path_follows_the_authoritys(issuer: AuthorizationServer, call: CallWith) -> None:
    issuer.on["/realms/fake/oauth2/token"] = issuer.token
    asking = policy(issuer)
    asking["oauth2"]["authority"] += "/realms/fake/"
    await call(asking)
    assert issuer.asked[0].path == "/realms/fake/oauth2/token"


async def test_a_token_is_used_until_it_expires(issuer: AuthorizationServer, call: CallWith, clock: Clock) -> None:
    asking = policy(issuer)
    await call(asking)
    clock.now += 3600 - 31
    await call(asking)
    assert len(issuer.issued) == 1
    clock.now += 2
    assert (await call(asking)).authorization == {"scheme": "Bearer", "parameter": "token-2"}


@pytest.mark.parametrize(("expires_in", "life_s"), [("60", 60), (None, 300), ("soon", 300)])
async def test_lifetimes(
    issuer: AuthorizationServer, call: CallWith, clock: Clock, expires_in: Any, life_s: float
) -> None:
    issuer.expires_in = expires_in
    await call(policy(issuer))
    clock.now += life_s * 0.85
    await call(policy(issuer))
    assert len(issuer.issued) == 1
    clock.now += life_s * 0.1
    await call(policy(issuer))
    assert len(issuer.issued) == 2


async def test_each_policy_has_its_own_token(issuer: AuthorizationServer, call: CallWith) -> None:
    first, other = policy(issuer, scopes=["a"]), policy(issuer, scopes=["b"])
    await call(first)
    await call(other)
    await call(first)
    assert [each["scope"] for each in issuer.issued] == ["a", "b"]


async def test_many_calls_fetch_one_token(web: Web, issuer: AuthorizationServer, call: CallWith) -> None:
    await asyncio.gather(*(call(policy(issuer)) for _ in range(20)))
    assert len(issuer.issued) == 1
    assert len(web.asked) == 20


async def test_a_refused_token_is_replaced_once(web: Web, issuer: AuthorizationServer, call: CallWith) -> None:
    def only(token: str) -> Any:
        return lambda asked: answer(200 if asked.header("authorization") == f"Bearer {token}" else 401, asked.method)

    web.on["/x"] = only("token-1")
    await call(policy(issuer))
    web.on["/x"] = only("token-2")
    outcomes = await asyncio.gather(*(call(policy(issuer), "post", body={"n": 1}) for _ in range(10)))
    assert [outcome.output for outcome in outcomes] == ["POST"] * 10
    assert {outcome.authorization["parameter"] for outcome in outcomes} == {"token-2"}
    assert len(issuer.issued) == 2
    assert all(asked.body == b'{"n":1}' for asked in web.asked[1:])


async def test_a_call_refused_again_is_a_401(web: Web, issuer: AuthorizationServer, fault: FaultWith) -> None:
    web.on["/x"] = answer(401, text="never")
    refused = await fault(policy(issuer))
    assert (refused.type, refused.status, refused.detail) == (PREFIX + "communication", 401, "never")
    assert (len(web.asked), len(issuer.issued)) == (2, 2)


async def test_one_who_is_cancelled_does_not_take_the_token_from_others(
    issuer: AuthorizationServer, call: CallWith
) -> None:
    asked, gate = asyncio.Event(), asyncio.Event()

    async def slow(request: Asked) -> Answer:
        asked.set()
        await gate.wait()
        return issuer.token(request)

    issuer.on["/oauth2/token"] = slow
    first, second = (asyncio.create_task(call(policy(issuer))) for _ in range(2))
    await asked.wait()
    first.cancel()
    await asyncio.wait([first])
    gate.set()
    assert (await second).output == "in"
    assert len(issuer.issued) == 1


@pytest.mark.parametrize(
    ("reply", "what"),
    [
        (
            answer(400, {"error": "invalid_scope", "error_description": "no such"}),
            "400 Bad Request: invalid_scope: no such",
        ),
        (answer(500, text="boom"), "answered 500 with something else than JSON"),
        (answer(200, {"error": "access_denied"}), "access_denied"),
        (answer(200, {"token_type": "bearer"}), "without an access_token"),
        (answer(200, text="<html>"), "something else than JSON"),
        (answer(302, {}, Location="/other"), "302"),
    ],
)
async def test_failing_token_endpoints(
    web: Web, issuer: AuthorizationServer, fault: FaultWith, reply: Answer, what: str
) -> None:
    issuer.on["/oauth2/token"] = reply
    failed = await fault(policy(issuer))
    assert (failed.type, failed.status) == (PREFIX + "authentication", 401)
    assert f"POST {issuer.url}/oauth2/token" in (failed.detail or "")
    assert what in (failed.detail or "")
    assert SECRET not in (failed.detail or "")
    assert web.asked == []


async def test_no_secret_comes_back_in_a_message(issuer: AuthorizationServer, fault: FaultWith) -> None:
    failed = await fault(policy(issuer, "password", username="anna", password="wrong-one"))
    assert "wrong password ***" in (failed.detail or "")


async def test_unreachable_token_endpoint(issuer: AuthorizationServer, fault: FaultWith) -> None:
    asking = policy(issuer)
    asking["oauth2"]["authority"] = "http://127.0.0.1:9"
    failed = await fault(asking)
    assert (failed.type, failed.status) == (PREFIX + "authentication", 401)
    assert "http://127.0.0.1:9/oauth2/token: no answer" in (failed.detail or "")


async def test_a_denied_token_endpoint_is_still_denied(issuer: AuthorizationServer, fault: FaultWith) -> None:
    asking = policy(issuer)
    asking["oauth2"]["authority"] = "http://169.254.169.254"
    assert (await fault(asking)).type == PREFIX + "authorization"


async def test_a_failure_is_not_kept(issuer: AuthorizationServer, call: CallWith, fault: FaultWith) -> None:
    issuer.on["/oauth2/token"] = answer(503, {})
    await fault(policy(issuer))
    issuer.on["/oauth2/token"] = issuer.token
    assert (await call(policy(issuer))).output == "in"


async def test_issuers(issuer: AuthorizationServer, call: CallWith, fault: FaultWith) -> None:
    issuer.issuer = "https://good"
    assert (await call(policy(issuer, issuers=["https://other", "https://good"]))).output == "in"
    wrong = await fault(policy(issuer, issuers=["https://other"]))
    assert (wrong.type, wrong.status) == (PREFIX + "authentication", 401)
    assert "'https://good'" in (wrong.detail or "")
    issuer.issuer = None
    opaque = await fault(policy(issuer, issuers=["https://third"]))
    assert "does not name its issuer" in (opaque.detail or "")


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"grant": "authorization_code"}, "needs a person at a browser"),
        ({"grant": "implicit"}, "oauth2.grant: it must be one of"),
        ({"authority": None}, "oauth2.authority: it is missing"),
        ({"client": {}}, "oauth2.client.id: it is missing"),
        ({"client": "x"}, "oauth2.client: it must be an object"),
        ({"client": {"id": "a", "authentication": "magic"}}, "oauth2.client.authentication"),
        ({"client": {"id": "a", "authentication": "client_secret_jwt"}}, "oauth2.client.secret: it is missing"),
        ({"client": {"id": "a", "authentication": "private_key_jwt"}}, "oauth2.client.assertion: it is missing"),
        ({"client": {"id": "a", "authentication": "private_key_jwt", "key": "hush"}}, "client.key"),
        ({"client": {"id": "a", "authentication": "private_key_jwt", "key": "{hush"}}, "client.key"),
        ({"grant": "password", "username": "a"}, "oauth2.password: it is missing"),
        ({"grant": "refresh_token"}, "refreshToken"),
        ({"grant": EXCHANGE}, "oauth2.subject: it is missing"),
        ({"grant": EXCHANGE, "subject": {"token": "hush"}}, "oauth2.subject.type: it is missing"),
        ({"request": {"encoding": "text/xml"}}, "oauth2.request.encoding"),
        ({"scopes": "hush"}, "oauth2.scopes: it must be a list of strings"),
    ],
)
async def test_wrong_policies(
    issuer: AuthorizationServer, fault: FaultWith, changes: dict[str, Any], what: str
) -> None:
    asking = policy(issuer)
    asking["oauth2"] |= changes
    wrong = await fault(asking)
    assert (wrong.type, wrong.status) == (PREFIX + "configuration", 400)
    assert what in (wrong.detail or "")
    assert "hush" not in (wrong.detail or "")


async def test_a_key_that_does_not_fit_its_algorithm(issuer: AuthorizationServer, fault: FaultWith) -> None:
    client = {"authentication": "private_key_jwt", "key": key_as_json(rsa_key()), "algorithm": "ES256"}
    wrong = await fault(policy(issuer, client=client))
    assert (wrong.type, "cannot sign with ES256" in (wrong.detail or "")) == (PREFIX + "configuration", True)
