"""Definitions over HTTP: list, get, deploy, delete."""

from __future__ import annotations

import httpx
import pytest

from tests.api.definitions import HELLO, definition
from tests.api.site import problem, start


def test_the_list_has_every_deployed_definition(http: httpx.Client) -> None:
    items = http.get("/v1/definitions").json()["items"]
    found = {(item["namespace"], item["name"], item["version"]) for item in items}
    assert {("test", "hello", "1.0.0"), ("test", "order", "1.0.0")} <= found
    assert len(items[0]["digest"]) == 64


def test_the_list_is_filtered_by_namespace(http: httpx.Client) -> None:
    assert http.get("/v1/definitions", params={"namespace": "other"}).json() == {"items": []}
    assert http.get("/v1/definitions", params={"namespace": "test"}).json()["items"]
    problem(http.get("/v1/definitions", params={"namspace": "test"}), 400)


@pytest.mark.parametrize("path", ["/v1/definitions/test/hello", "/v1/definitions/test/hello/1.0.0"])
def test_a_definition_is_json_or_the_text_it_was_written_as(http: httpx.Client, path: str) -> None:
    document = http.get(path)
    assert document.json()["document"]["name"] == "hello"
    text = http.get(path, headers={"Accept": "application/yaml"})
    assert text.headers["content-type"].startswith("application/yaml")
    assert text.text == HELLO
    wished = "text/html;q=0.9, application/x-yaml;q=0.8, application/json;q=0.1"
    assert http.get(path, headers={"Accept": wished}).text == HELLO


def test_neither_json_nor_yaml_cannot_be_had(http: httpx.Client) -> None:
    problem(http.get("/v1/definitions/test/hello", headers={"Accept": "image/png"}), 406)


def test_an_unknown_definition_is_named_with_what_there_is(http: httpx.Client) -> None:
    found = problem(http.get("/v1/definitions/test/nothing/2.0.0"), 404)
    assert "test:nothing:2.0.0" in found["detail"]
    assert "test:hello" in found["detail"]
    assert found["instance"] == "/v1/definitions/test/nothing/2.0.0"


def test_a_definition_is_deployed_replaced_and_deleted(http: httpx.Client) -> None:
    one, two = (definition("put", f"  - a: {{set: {{n: {n}}}}}\n") for n in (1, 2))
    yaml = {"Content-Type": "application/yaml"}
    answer = http.put("/v1/definitions", content=one, headers=yaml)
    assert answer.status_code == 201
    assert answer.headers["location"] == "/v1/definitions/test/put/1.0.0"
    assert answer.json()["name"] == "put"
    assert http.put("/v1/definitions", content=two, headers=yaml).status_code == 200
    assert start(http, "put", wait="5s").json() == {"n": 2}
    assert http.delete("/v1/definitions/test/put/1.0.0").status_code == 204
    problem(http.get("/v1/definitions/test/put"), 404)
    problem(http.delete("/v1/definitions/test/put/1.0.0"), 404)


def test_without_a_version_the_highest_is_meant(http: httpx.Client) -> None:
    for version in ("1.9.0", "1.10.0", "2.0.0-rc.1"):
        text = definition("versions", f"  - a: {{set: {{version: '{version}'}}}}\n", version)
        assert http.put("/v1/definitions", content=text).status_code == 201
    assert start(http, "versions", wait="5s").json() == {"version": "2.0.0-rc.1"}
    assert http.post("/v1/definitions/test/versions/1.9.0/instances?wait=5").json() == {"version": "1.9.0"}


def test_a_definition_may_be_json(http: httpx.Client) -> None:
    head = {"dsl": "1.0.3", "namespace": "test", "name": "json", "version": "1.0.0"}
    assert http.put("/v1/definitions", json={"document": head, "do": [{"a": {"set": {"n": 1}}}]}).status_code == 201
    assert start(http, "json", wait="5s").json() == {"n": 1}


def test_an_invalid_definition_is_refused_with_every_problem(http: httpx.Client) -> None:
    text = definition("broken", "  - a: {set: '${ .n + }'}\n  - b: {call: nothing}\n  - c: {wait: soon}\n")
    found = problem(http.put("/v1/definitions", content=text, headers={"Content-Type": "application/yaml"}), 400)
    assert [each["position"] for each in found["problems"]] == ["/do/0/a/set", "/do/1/b/call", "/do/2/c/wait"]
    assert [each["line"] for each in found["problems"]] == [4, 5, 6]
    assert all(each["message"] for each in found["problems"])
    problem(http.get("/v1/definitions/test/broken"), 404)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"do: [", "not YAML"),
        (b"", "empty"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"[" * 5000, "nested deeper"),
        (b"a: &a [x]\nb: &b [" + b"*a," * 1000 + b"]\nc: [" + b"*b," * 1000 + b"]", "expands"),
        (b"x: " + b"a" * 10_000_000, "bytes"),
    ],
)
def test_what_is_no_document_is_refused(http: httpx.Client, content: bytes, words: str) -> None:
    assert words in problem(http.put("/v1/definitions", content=content), 400)["problems"][0]["message"]


def test_a_definition_of_another_type_is_refused(http: httpx.Client) -> None:
    problem(http.put("/v1/definitions", content=b"<x/>", headers={"Content-Type": "application/xml"}), 415)
