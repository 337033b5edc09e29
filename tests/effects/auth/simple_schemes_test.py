"""Basic and bearer, and policies that cannot be."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from flowrt.core.fault import PREFIX
from flowrt.effects.auth import Authentication
from flowrt.effects.client import Request
from tests.effects.auth.conftest import CallWith, FaultWith
from tests.effects.http.local_web import Web, answer


async def test_basic(web: Web, call: CallWith) -> None:
    web.on["/x"] = answer(200)
    outcome = await call({"basic": {"username": "anna", "password": "pä:ss"}})
    parameter = b64encode("anna:pä:ss".encode()).decode()
    assert web.asked[0].header("authorization") == f"Basic {parameter}"
    assert outcome.authorization == {"scheme": "Basic", "parameter": parameter}


async def test_bearer_wins_over_the_calls_own_header(web: Web, call: CallWith) -> None:
    web.on["/x"] = answer(200)
    outcome = await call({"bearer": {"token": "abc"}}, headers={"authorization": "mine"})
    assert [value for name, value in web.asked[0].headers if name == "authorization"] == ["Bearer abc"]
    assert outcome.authorization == {"scheme": "Bearer", "parameter": "abc"}


async def test_no_policy_no_authorization(web: Web, authentication: Authentication) -> None:
    web.on["/x"] = answer(200)
    answered = await authentication.send(Request("GET", f"{web.url}/x"), None)
    assert answered.authorization is None
    assert web.asked[0].header("authorization") is None


async def test_a_refused_basic_call_is_not_repeated(web: Web, fault: FaultWith) -> None:
    web.on["/x"] = answer(401, text="no")
    refused = await fault({"basic": {"username": "a", "password": "b"}})
    assert (refused.type, refused.status, refused.title) == (PREFIX + "communication", 401, "Unauthorized")
    assert len(web.asked) == 1


async def test_signing_without_sending(authentication: Authentication) -> None:
    request = Request("GET", "https://host/x")
    signed = await authentication.sign(request, {"bearer": {"token": "abc"}})
    assert signed.request.header("Authorization") == "Bearer abc"
    assert (await authentication.sign(request, None)).request is request


@pytest.mark.parametrize(
    ("policy", "what"),
    [
        ({}, "exactly one"),
        ("mine", "exactly one"),
        ({"use": "mine"}, "exactly one"),
        ({"basic": {}, "bearer": {}}, "exactly one"),
        ({"basic": "x"}, "basic: it must be an object"),
        ({"basic": {"username": "hush"}}, "basic.password: it is missing"),
        ({"basic": {"username": "hush:x", "password": "hush"}}, "basic.username: it must not contain a colon"),
        ({"bearer": {"token": 7}}, "bearer.token: it must be a string"),
        ({"certificate": {}}, "certificate.certificate: it is missing"),
        ({"digest": {"password": "hush"}}, "digest.username: it is missing"),
        ({"bearer": {"token": "hush\nx: y"}}, "line break"),
    ],
)
async def test_wrong_policies(fault: FaultWith, policy: Any, what: str) -> None:
    wrong = await fault(policy)
    assert (wrong.type, wrong.status) == (PREFIX + "configuration", 400)
    assert what in (wrong.detail or "")
    assert "hush" not in (wrong.detail or "")
