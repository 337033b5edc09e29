"""Bad bodies, paths and methods: refused at once with a problem; the server keeps answering."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest

from tests.api.site import problem

ECHO = "/v1/definitions/test/echo/instances"
JSON = {"Content-Type": "application/json"}
MIB = 1024 * 1024


def nested(levels: int) -> bytes:
    return b'[{"a":' * (levels // 2) + b"1" + b"}]" * (levels // 2)


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"{'a': 1}",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1} x',
        b'"\xff"',
        b'"\\ud800"',
        b"\xef\xbb\xbf{}",
        b'{"a": 1,}',
        b"\x00",
        b" ",
        nested(202),
        b"[" * 100_000,
        b"[" * (16 * MIB),
        b'{"a":' * 3_000_000,
        b"[" + b"[]," * 1_100_000 + b"[]]",
        (b"[" + b"[" * 1000 + b"]" * 1000 + b"," + b"1]") * 5,
    ],
    ids=lambda content: f"{content[:12]!r}…{len(content)}",
)
@pytest.mark.parametrize("path", [ECHO, "/v1/events"])
def test_what_is_no_json_is_refused_quickly(http: httpx.Client, path: str, content: bytes) -> None:
    began = time.monotonic()
    problem(http.post(path, content=content, headers=JSON), 400)
    assert time.monotonic() - began < 3


def test_nesting_up_to_the_limit_is_taken(http: httpx.Client) -> None:
    answer = http.post(ECHO, content=nested(200), headers=JSON, params={"wait": "5s"})
    assert answer.status_code == 200
    assert answer.content == nested(200)


def test_brackets_in_strings_do_not_nest(http: httpx.Client) -> None:
    content = rb'{"a": "\\", "b": "' + b"[" * 5000 + rb'\"", "c": "' + b"{" * 5000 + b'"}'
    assert http.post(ECHO, content=content, headers=JSON, params={"wait": "5s"}).json()["b"] == "[" * 5000 + '"'


def test_of_a_key_that_stands_twice_the_last_counts(http: httpx.Client) -> None:
    answer = http.post(ECHO, content=b'{"a": 1, "a": 2}', headers=JSON, params={"wait": "5s"})
    assert answer.json() == {"a": 2}


def test_a_body_beyond_the_limit_is_refused(http: httpx.Client) -> None:
    content = b'"' + b"a" * (17 * MIB) + b'"'
    for path in (ECHO, "/v1/events"):
        assert "server.max-body" in problem(http.post(path, content=content, headers=JSON), 413)["detail"]
    problem(http.put("/v1/definitions", content=content), 413)


def test_a_body_without_a_length_is_refused_beyond_the_limit(http: httpx.Client) -> None:
    def chunks() -> Iterator[bytes]:
        yield b'"'
        for _ in range(17 * 4):
            yield b"a" * (MIB // 4)

    problem(http.post(ECHO, content=chunks(), headers=JSON), 413)


def test_a_large_body_within_the_limit_is_taken(http: httpx.Client) -> None:
    content = b'"' + b"a" * (8 * MIB) + b'"'
    assert http.post(ECHO, content=content, headers=JSON, params={"wait": "10s"}).content == content


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/xml"])
def test_another_type_is_refused(http: httpx.Client, kind: str) -> None:
    found = problem(http.post(ECHO, content=b"{}", headers={"Content-Type": kind}), 415)
    assert "application/json" in found["detail"]


def test_another_charset_is_refused(http: httpx.Client) -> None:
    headers = {"Content-Type": "application/json; charset=utf-16"}
    problem(http.post(ECHO, content='{"a": 1}'.encode("utf-16"), headers=headers), 415)
    assert (
        http.post(ECHO, content=b"{}", headers={"Content-Type": 'application/json; charset="UTF-8"'}).status_code == 202
    )


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/instances/a/b/c", "/v2/definitions", "/v1/definitions/", "/%00"])
def test_an_unknown_path_is_not_found(http: httpx.Client, path: str) -> None:
    assert "/docs" in problem(http.get(path), 404)["detail"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/v1/definitions", "GET, HEAD, PUT"),
        ("PATCH", "/v1/instances/x", "DELETE, GET, HEAD"),
        ("GET", "/v1/events", "POST"),
        ("PUT", "/v1/instances/x/cancel", "POST"),
        ("DELETE", "/health", "GET, HEAD"),
        ("OPTIONS", ECHO, "POST"),
    ],
)
def test_another_method_is_not_allowed(http: httpx.Client, method: str, path: str, allowed: str) -> None:
    answer = http.request(method, path)
    problem(answer, 405)
    assert answer.headers["allow"] == allowed


def test_a_broken_request_does_not_stop_the_server(http: httpx.Client, site: object) -> None:
    import socket

    with socket.create_connection((http.base_url.host, http.base_url.port or 0)) as raw:
        raw.sendall(b"NOT HTTP AT ALL\r\n\r\n")
        assert b"400" in raw.recv(1000)
    with socket.create_connection((http.base_url.host, http.base_url.port or 0)) as raw:
        raw.sendall(f"POST {ECHO} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf".encode())
    assert http.get("/health").status_code == 200
