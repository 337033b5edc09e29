"""What `call: http` sends and what it outputs."""

from __future__ import annotations

import re

import pytest

from flowrt.core.fault import PREFIX, Fault, Faulted
from flowrt.effects.auth import Authentication
from flowrt.effects.client import Clients, ClientSettings
from flowrt.effects.http import HttpCall
from tests.effects.http.conftest import EffectOf
from tests.effects.http.local_web import Answer, Web, answer


async def fault_of(call: HttpCall, effect: object) -> Fault:
    with pytest.raises(Faulted) as caught:
        await call.run(effect)  # type: ignore[arg-type]
    return caught.value.fault


async def output(web: Web, call: HttpCall, effect: EffectOf, reply: Answer, **arguments: object) -> object:
    web.on["/x"] = reply
    return (await call.run(effect(f"{web.url}/x", **arguments))).output


async def test_json_content_is_parsed(web: Web, call: HttpCall, effect: EffectOf) -> None:
    assert await output(web, call, effect, answer(200, {"id": 1, "tags": ["a"]})) == {"id": 1, "tags": ["a"]}


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("application/problem+json; charset=utf-8", b'{"a":1}', {"a": 1}),
        ("application/json", b"\xef\xbb\xbf[1]", [1]),
        ("application/json; charset=utf-16", '{"ä":1}'.encode("utf-16"), {"ä": 1}),
        ("text/plain; charset=iso-8859-1", "grün".encode("latin-1"), "grün"),
        ("text/plain", "grün".encode(), "grün"),
        ("application/xml", b"<a/>", "<a/>"),
        ("image/svg+xml", b"<svg/>", "<svg/>"),
        ("application/octet-stream", b"\x00\xff", "AP8="),
        ("image/png", b"abc", "YWJj"),
        ("application/json", b"", None),
        ("text/plain", b"", None),
    ],
)
async def test_content_by_its_type(
    web: Web, call: HttpCall, effect: EffectOf, content_type: str, body: bytes, expected: object
) -> None:
    assert await output(web, call, effect, Answer(200, body, [("Content-Type", content_type)])) == expected


async def test_content_without_a_type_is_text_if_it_reads_as_such(web: Web, call: HttpCall, effect: EffectOf) -> None:
    assert await output(web, call, effect, Answer(200, b"plain")) == "plain"
    assert await output(web, call, effect, Answer(200, b"\xff\x00")) == "/wA="


async def test_raw_is_base64(web: Web, call: HttpCall, effect: EffectOf) -> None:
    assert await output(web, call, effect, answer(200, [1]), output="raw") == "WzFd"


async def test_no_content(web: Web, call: HttpCall, effect: EffectOf) -> None:
    assert await output(web, call, effect, Answer(204)) is None


async def test_response_shows_request_and_response_without_secrets(web: Web, call: HttpCall, effect: EffectOf) -> None:
    web.on["/x"] = answer(201, {"id": 1}, X_Trace="t")
    secret = {"X-Api-Key": "k-secret", "Cookie": "session=secret", "X-Mine": "shown"}
    address = web.url.replace("http://", "http://user:secret@") + "/x?a=1"
    outcome = await call.run(effect(address, "post", headers=secret, body={"n": 1}, output="response"))
    shown = outcome.output
    assert shown["statusCode"] == 201
    assert shown["content"] == {"id": 1}
    assert shown["headers"]["Content-Type"] == "application/json"
    assert shown["headers"]["X-Trace"] == "t"
    assert shown["request"]["method"] == "post"
    assert shown["request"]["uri"] == f"{web.url}/x?a=1"
    assert shown["request"]["headers"]["X-Mine"] == "shown"
    assert shown["request"]["headers"]["Idempotency-Key"] == "01J/do/0/pay/2/1"
    assert "secret" not in str(shown)
    assert web.asked[0].header("x-api-key") == "k-secret"
    assert web.asked[0].header("authorization") == "Basic dXNlcjpzZWNyZXQ="


async def test_every_call_says_whose_it_is(web: Web, call: HttpCall, effect: EffectOf) -> None:
    for _ in range(2):
        await output(web, call, effect, answer(200))
    first, again = web.asked
    assert first.header("idempotency-key") == "01J/do/0/pay/2/1"
    assert first.header("x-flow-instance-id") == "01J"
    assert first.header("x-flow-task-id") == "/do/0/pay"
    assert first.header("user-agent").startswith("flowrt")
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", first.header("traceparent"))
    assert first.header("traceparent") == again.header("traceparent")


async def test_the_users_own_idempotency_key_stands(web: Web, call: HttpCall, effect: EffectOf) -> None:
    await output(web, call, effect, answer(200), headers={"idempotency-key": "mine"})
    assert [value for name, value in web.asked[0].headers if name == "idempotency-key"] == ["mine"]


async def test_positions_of_any_letters_travel_in_headers(web: Web, call: HttpCall, effect: EffectOf) -> None:
    web.on["/x"] = answer(200)
    paid = effect(f"{web.url}/x")
    object.__setattr__(paid, "position", "/do/0/zahlung prüfen\n")
    await call.run(paid)
    assert web.asked[0].header("x-flow-task-id") == "/do/0/zahlung%20pr%C3%BCfen%0A"


@pytest.mark.parametrize(
    ("body", "headers", "sent", "content_type"),
    [
        ({"a": [1, None]}, {}, b'{"a":[1,null]}', "application/json"),
        ([1, 2], {}, b"[1,2]", "application/json"),
        (7, {}, b"7", "application/json"),
        (False, {}, b"false", "application/json"),
        ({"a": 1}, {"content-type": "application/vnd.x+json"}, b'{"a":1}', "application/vnd.x+json"),
        ("<a/>", {"Content-Type": "application/xml"}, b"<a/>", "application/xml"),
        ("grün", {}, "grün".encode(), "text/plain; charset=utf-8"),
        ("grün", {"Content-Type": "text/plain; charset=latin-1"}, b"gr\xfcn", "text/plain; charset=latin-1"),
        (
            {"a": 1, "b": [True, "x y"], "c": None},
            {"Content-Type": "application/x-www-form-urlencoded"},
            b"a=1&b=true&b=x+y",
            "application/x-www-form-urlencoded",
        ),
        ("a=1", {"Content-Type": "application/x-www-form-urlencoded"}, b"a=1", "application/x-www-form-urlencoded"),
        (None, {}, b"", None),
    ],
)
async def test_bodies(
    web: Web, call: HttpCall, effect: EffectOf, body: object, headers: dict[str, str], sent: bytes, content_type: str
) -> None:
    await output(web, call, effect, answer(200), method="post", body=body, headers=headers)
    assert web.asked[0].body == sent
    assert [value for name, value in web.asked[0].headers if name == "content-type"] == (
        [content_type] if content_type else []
    )


async def test_multipart_body(web: Web, call: HttpCall, effect: EffectOf) -> None:
    headers = {"Content-Type": "multipart/form-data"}
    await output(web, call, effect, answer(200), method="post", body={"a": 1, "b": "x"}, headers=headers)
    assert re.match(r"multipart/form-data; boundary=\w+", web.asked[0].header("content-type"))
    assert b'name="a"\r\n\r\n1\r\n' in web.asked[0].body


async def test_query_values(web: Web, call: HttpCall, effect: EffectOf) -> None:
    web.on["/x"] = answer(200)
    query = {"tag": ["a b", "c&d"], "gone": None, "yes": True, "n": 1.5, "o": {"k": 1}}
    await call.run(effect(f"{web.url}/x?first=1#part", query=query))
    assert web.asked[0].target == "/x?first=1&tag=a%20b&tag=c%26d&yes=true&n=1.5&o=%7B%22k%22%3A1%7D"


async def test_header_values(web: Web, call: HttpCall, effect: EffectOf) -> None:
    await output(web, call, effect, answer(200), headers={"a": 1, "b": True, "c": ["x", 2], "d": None, "e": "grün"})
    asked = web.asked[0]
    assert [asked.header(name) for name in "abcde"] == ["1", "true", "x, 2", None, "grün"]


@pytest.mark.parametrize("redirect", [False, True])
async def test_redirects_are_not_followed(web: Web, call: HttpCall, effect: EffectOf, redirect: bool) -> None:
    web.on["/x"] = Answer(302, b"", [("Location", "/y")])
    wanted = effect(f"{web.url}/x", redirect=redirect, output="response")
    if redirect:
        assert (await call.run(wanted)).output["headers"]["Location"] == "/y"
    else:
        assert (await fault_of(call, wanted)).status == 302
    assert [asked.path for asked in web.asked] == ["/x"]


@pytest.mark.parametrize("status", [300, 400, 401, 404, 409, 500, 503])
async def test_error_status(web: Web, call: HttpCall, effect: EffectOf, status: int) -> None:
    web.on["/x"] = Answer(status, b'{"why":"so"}', [("Content-Type", "application/json")], reason="Our Own Reason")
    fault = await fault_of(call, effect(f"{web.url}/x"))
    assert fault.type == PREFIX + "communication"
    assert (fault.status, fault.title, fault.detail) == (status, "Our Own Reason", '{"why":"so"}')


async def test_error_detail_is_the_first_4_kib(web: Web, call: HttpCall, effect: EffectOf) -> None:
    web.on["/x"] = Answer(500, "ä".encode() * 4096, [("Content-Type", "text/plain")])
    assert (await fault_of(call, effect(f"{web.url}/x"))).detail == "ä" * 2048


async def test_error_without_text_says_what_and_where(web: Web, call: HttpCall, effect: EffectOf) -> None:
    web.on["/x"] = Answer(404, b"\x00\xff", [("Content-Type", "image/png")])
    fault = await fault_of(call, effect(f"{web.url}/x?token=hush"))
    assert fault.detail == f"GET {web.url}/x answered 404 Not Found"
    assert fault.title == "Not Found"


async def test_a_secret_that_the_server_repeats_is_taken_out(web: Web, call: HttpCall, effect: EffectOf) -> None:
    web.on["/x"] = lambda asked: Answer(403, f"bad {asked.header('authorization')}".encode())
    policy = {"bearer": {"token": "hush-hush"}}
    fault = await fault_of(call, effect(f"{web.url}/x", authentication=policy))
    assert fault.detail == "bad ***"


async def test_secrets_of_the_configuration_are_taken_out_too(web: Web, effect: EffectOf) -> None:
    clients = Clients(ClientSettings(headers={"X-Api-Key": "operators-own"}))
    call = HttpCall(clients, Authentication(clients))
    web.on["/x"] = lambda asked: Answer(403, f"bad {asked.header('x-api-key')}".encode())
    assert (await fault_of(call, effect(f"{web.url}/x"))).detail == "bad ***"
    await call.close()


async def test_closing_twice_and_calling_again(web: Web, call: HttpCall, effect: EffectOf) -> None:
    for _ in range(2):
        assert await output(web, call, effect, answer(200, 1)) == 1
        await call.close()
        await call.close()
    assert web.connections == 2


async def test_json_that_is_none(web: Web, call: HttpCall, effect: EffectOf) -> None:
    web.on["/x"] = Answer(200, b"{", [("Content-Type", "application/json")])
    fault = await fault_of(call, effect(f"{web.url}/x"))
    assert (fault.type, fault.status) == (PREFIX + "communication", 502)
    assert "not valid application/json" in (fault.detail or "")


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"endpoint": "pets/1"}, "absolute"),
        ({"endpoint": "ftp://host/x"}, "absolute"),
        ({"endpoint": "http://[::1/x"}, "absolute"),
        ({"endpoint": 7}, "absolute"),
        ({"endpoint": "http://host:99999/x"}, "absolute"),
        ({"endpoint": "http://127.0.0.1:1/", "method": "g t"}, "method"),
        ({"endpoint": "http://127.0.0.1:1/", "headers": {"a b": "c"}}, "header name"),
        ({"endpoint": "http://127.0.0.1:1/", "headers": {"a": "c\r\nd: e"}}, "line break"),
        ({"endpoint": "http://127.0.0.1:1/", "headers": {"a": {}}}, "header a"),
        ({"endpoint": "http://127.0.0.1:1/", "headers": []}, "headers"),
        ({"endpoint": "http://127.0.0.1:1/", "query": "a=1"}, "query"),
        (
            {"endpoint": "http://127.0.0.1:1/", "body": "ä", "headers": {"content-type": "text/plain; charset=ascii"}},
            "ascii",
        ),
    ],
)
async def test_what_cannot_be_sent_is_a_configuration_fault(
    call: HttpCall, effect: EffectOf, arguments: dict[str, object], what: str
) -> None:
    fault = await fault_of(call, effect(**arguments))
    assert (fault.type, fault.status) == (PREFIX + "configuration", 400)
    assert what in (fault.detail or "")


async def test_unknown_output(web: Web, call: HttpCall, effect: EffectOf) -> None:
    web.on["/x"] = answer(200)
    assert (await fault_of(call, effect(f"{web.url}/x", output="all"))).type == PREFIX + "configuration"


async def test_head_and_methods(web: Web, call: HttpCall, effect: EffectOf) -> None:
    web.on["/x"] = answer(200, {"a": 1})
    assert (await call.run(effect(f"{web.url}/x", "head"))).output is None
    for method in ("post", "PUT", "patch", "delete", "options"):
        assert (await call.run(effect(f"{web.url}/x", method))).output == {"a": 1}
    assert [asked.method for asked in web.asked] == ["HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


async def test_endpoint_may_be_an_object(web: Web, call: HttpCall, effect: EffectOf) -> None:
    web.on["/x"] = answer(200)
    endpoint = {"uri": f"{web.url}/x", "authentication": {"bearer": {"token": "t-1"}}}
    await call.run(effect(endpoint))  # type: ignore[arg-type]
    assert web.asked[0].header("authorization") == "Bearer t-1"


async def test_check_reports_what_is_written_wrong(call: HttpCall) -> None:
    wrong = {
        "method": "g/t",
        "endpoint": {"uri": "pets", "authentication": {"oauth2": {"grant": "authorization_code"}}},
        "output": "everything",
    }
    problems = await call.check(wrong, None)
    starts = ["/method", "/output", "/endpoint:", "/endpoint/authentication/oauth2/grant"]
    assert [start for start, problem in zip(starts, problems, strict=True) if problem.startswith(start)] == starts


async def test_check_leaves_expressions_alone(call: HttpCall) -> None:
    written = {"method": "${ .m }", "endpoint": "${ .host }", "output": "${ .o }"}
    assert await call.check(written, None) == []
    assert await call.check({"method": "get", "endpoint": "{host}/pets"}, None) == []
    for address in ("https://host/pets/{id}", "http://{host}:{port}/", "http://${ .host }:${ .port }/"):
        assert await call.check({"method": "get", "endpoint": address}, None) == []
    assert len(await call.check({"method": "get", "endpoint": "pets/{id}"}, None)) == 1
