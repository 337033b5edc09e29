"""With a token configured nobody uses the API without it; health needs none."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from tests.api import definitions
from tests.api.site import Site

TOKEN = "s3cret/+="
WITH = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("guarded"), "--store", "memory:", environment={"FLOWRT_SERVER_TOKEN": TOKEN})
    site.write("hello.yaml", definitions.ALL["hello"])
    site.start()
    yield site
    assert site.stop() == 0


@pytest.mark.parametrize(
    "path", ["/health", "/ready", "/q/health", "/q/health/live", "/q/health/ready", "/ui", "/ui/app.js"]
)
def test_health_and_the_empty_page_need_none(guarded: Site, path: str) -> None:
    assert httpx.get(guarded.url + path).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/definitions"),
        ("PUT", "/v1/definitions"),
        ("POST", "/v1/definitions/test/hello/instances"),
        ("GET", "/v1/instances"),
        ("GET", "/v1/instances/none/events"),
        ("POST", "/v1/instances:batch"),
        ("POST", "/v1/events"),
        ("POST", "/q/flow/exec/test/hello"),
        ("GET", "/metrics"),
        ("GET", "/openapi.json"),
        ("GET", "/docs"),
    ],
)
@pytest.mark.parametrize("given", [None, "Bearer", "Bearer wrong", "Basic czNjcmV0", TOKEN])
def test_everything_else_does(guarded: Site, method: str, path: str, given: str | None) -> None:
    answer = httpx.request(method, guarded.url + path, headers={} if given is None else {"Authorization": given})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith('Bearer realm="flowrt"')
    assert TOKEN not in answer.text


def test_who_has_it_may_use_everything(guarded: Site) -> None:
    with httpx.Client(base_url=guarded.url, headers=WITH) as http:
        assert http.post("/v1/definitions/test/hello/instances?wait=5s", json={"name": "x"}).status_code == 200
        assert http.get("/docs", headers={"Authorization": f"bearer {TOKEN}"}).is_success
        described = http.get("/openapi.json").json()
    assert described["security"] == [{"token": []}]
    assert described["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    assert described["paths"]["/health"]["get"]["security"] == []
    assert "security" not in described["paths"]["/v1/events"]["post"]


def test_the_command_line_sends_it(guarded: Site) -> None:
    command = [sys.executable, "-m", "flowrt", "definitions", "list", "--url", guarded.url]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (refused.returncode, "asks for a token" in refused.stderr) == (1, True)
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "FLOWRT_TOKEN": TOKEN}
    )
    assert (done.returncode, "hello" in done.stdout) == (0, True), done.stderr
