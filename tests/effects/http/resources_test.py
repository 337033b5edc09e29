"""External documents from the web and from files, kept and asked for again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from flowrt.core.fault import PREFIX, Fault, Faulted
from flowrt.effects.auth import Authentication
from flowrt.effects.client import Clients, ClientSettings
from flowrt.effects.client.raw_addresses import raw_addresses
from flowrt.effects.resources import Resources, ResourceSettings
from tests.effects.http.local_web import Answer, Asked, Web, answer


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def authentication() -> AsyncIterator[Authentication]:
    clients = Clients()
    yield Authentication(clients)
    await clients.close()


@pytest.fixture
def resources(authentication: Authentication, clock: Clock) -> Resources:
    return Resources(authentication, wall_clock=clock)


async def fault_of(resources: Resources, uri: str, base_uri: str | None = None, policy: Any = None) -> Fault:
    with pytest.raises(Faulted) as caught:
        await resources.load(uri, policy, base_uri)
    return caught.value.fault


async def test_from_the_web(web: Web, resources: Resources) -> None:
    web.on["/schema"] = answer(200, {"a": 1}, Content_Type="application/schema+json; charset=utf-8")
    resource = await resources.load(f"{web.url}/schema")
    assert resource.content == b'{"a": 1}'
    assert resource.media_type == "application/schema+json"
    assert resource.uri == f"{web.url}/schema"
    assert "application/yaml" in (web.asked[0].header("accept") or "")


async def test_relative_to_the_definition(web: Web, resources: Resources) -> None:
    web.on["/flows/schemas/a.json"] = answer(200, 1)
    resource = await resources.load("schemas/a.json", None, f"{web.url}/flows/order.yaml")
    assert resource.uri == f"{web.url}/flows/schemas/a.json"


async def test_redirects_are_followed_without_the_credentials_of_another_host(web: Web, resources: Resources) -> None:
    async with Web(on={"/b": answer(200, "here")}) as other:
        web.on["/a"] = answer(302, Location=f"{other.url}/b")
        resource = await resources.load(f"{web.url}/a", {"bearer": {"token": "abc"}})
        assert resource.uri == f"{other.url}/b"
        assert web.asked[0].header("authorization") == "Bearer abc"
        assert other.asked[0].header("authorization") is None


async def test_kept_while_fresh(web: Web, resources: Resources, clock: Clock) -> None:
    web.on["/a"] = answer(200, 1, Cache_Control="public, max-age=100", Age="40")
    for _ in range(3):
        await resources.load(f"{web.url}/a")
    clock.now += 59
    await resources.load(f"{web.url}/a")
    assert len(web.asked) == 1
    clock.now += 2
    await resources.load(f"{web.url}/a")
    assert len(web.asked) == 2


async def test_a_minute_by_default(web: Web, resources: Resources, clock: Clock) -> None:
    web.on["/a"] = answer(200, 1)
    await resources.load(f"{web.url}/a")
    clock.now += 59
    await resources.load(f"{web.url}/a")
    assert len(web.asked) == 1
    clock.now += 2
    await resources.load(f"{web.url}/a")
    assert len(web.asked) == 2


@pytest.mark.parametrize("control", ["no-store", "no-cache", "max-age=0"])
async def test_not_kept(web: Web, resources: Resources, control: str) -> None:
    web.on["/a"] = answer(200, 1, Cache_Control=control)
    await resources.load(f"{web.url}/a")
    await resources.load(f"{web.url}/a")
    assert len(web.asked) == 2


async def test_expires(web: Web, resources: Resources, clock: Clock) -> None:
    web.on["/a"] = answer(200, 1, Expires=formatdate(clock.now + 10, usegmt=True))
    web.on["/b"] = answer(200, 1, Expires="0")
    await resources.load(f"{web.url}/a")
    clock.now += 9
    await resources.load(f"{web.url}/a")
    assert len(web.asked) == 1
    await resources.load(f"{web.url}/b")
    await resources.load(f"{web.url}/b")
    assert len(web.asked) == 3


@pytest.mark.parametrize(
    ("validator", "value", "condition"),
    [("ETag", '"v1"', "if-none-match"), ("Last-Modified", formatdate(0, usegmt=True), "if-modified-since")],
)
async def test_asked_again_by_its_validator(
    web: Web, resources: Resources, clock: Clock, validator: str, value: str, condition: str
) -> None:
    def reply(asked: Asked) -> Answer:
        if asked.header(condition) == value:
            return Answer(304, b"", [("Cache-Control", "max-age=10")])
        return Answer(200, b"body", [(validator, value), ("Cache-Control", "max-age=10")])

    web.on["/a"] = reply
    for _ in range(3):
        assert (await resources.load(f"{web.url}/a")).content == b"body"
        clock.now += 11
    assert [asked.header(condition) for asked in web.asked] == [None, value, value]
    web.on["/a"] = Answer(200, b"changed")
    assert (await resources.load(f"{web.url}/a")).content == b"changed"


async def test_each_policy_sees_its_own(web: Web, resources: Resources) -> None:
    web.on["/a"] = lambda asked: answer(200, asked.header("authorization"))
    contents = [
        (await resources.load(f"{web.url}/a", policy)).content
        for policy in (None, {"bearer": {"token": "one1"}}, {"bearer": {"token": "two2"}}, None)
    ]
    assert contents == [b"null", b'"Bearer one1"', b'"Bearer two2"', b"null"]
    assert len(web.asked) == 3


async def test_many_at_once_fetch_once(web: Web, resources: Resources) -> None:
    web.on["/a"] = answer(200, 1)
    await asyncio.gather(*(resources.load(f"{web.url}/a") for _ in range(10)))
    assert len(web.asked) == 1


async def test_the_cache_is_bounded(web: Web, authentication: Authentication) -> None:
    resources = Resources(authentication, ResourceSettings(cache_bytes=250))
    for name in "abc":
        web.on[f"/{name}"] = Answer(200, b"x" * 100)
        await resources.load(f"{web.url}/{name}")
    await resources.load(f"{web.url}/c")
    assert len(web.asked) == 3
    await resources.load(f"{web.url}/a")
    assert len(web.asked) == 4


async def test_faults_of_the_web(web: Web, resources: Resources, authentication: Authentication) -> None:
    gone = await fault_of(resources, f"{web.url}/gone?key=hush")
    assert (gone.type, gone.status, gone.title) == (PREFIX + "communication", 404, "Not Found")
    assert gone.detail == f"resource {web.url}/gone: GET {web.url}/gone answered 404 Not Found"
    assert (await fault_of(resources, "http://127.0.0.1:9/a")).status == 503
    web.on["/big"] = Answer(200, b"x" * 11)
    big = await fault_of(Resources(authentication, ResourceSettings(max_bytes=10)), f"{web.url}/big")
    assert (big.status, "larger than 10 bytes" in (big.detail or "")) == (502, True)


@pytest.mark.parametrize(
    ("uri", "base_uri", "what"),
    [
        ("schemas/a.json", None, "is relative"),
        ("ftp://host/a", None, "scheme ftp"),
        ("http://[::1", None, "not an address"),
        ("oci:image", "http://host/x", "scheme oci"),
    ],
)
async def test_addresses_that_cannot_be_used(resources: Resources, uri: str, base_uri: str | None, what: str) -> None:
    fault = await fault_of(resources, uri, base_uri)
    assert (fault.type, fault.status) == (PREFIX + "configuration", 400)
    assert what in (fault.detail or "")


async def test_files_beside_the_definition(resources: Resources, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a b.json").write_bytes(b"[1]")
    for base in (str(tmp_path / "flow.yaml"), (tmp_path / "flow.yaml").as_uri()):
        for uri in ("sub/a%20b.json", (tmp_path / "sub" / "a b.json").as_uri()):
            resource = await resources.load(uri, None, base)
            assert (resource.content, resource.media_type) == (b"[1]", "application/json")
            assert resource.uri.endswith("/sub/a%20b.json")


async def test_files_elsewhere_are_off_limits(
    resources: Resources, authentication: Authentication, tmp_path: Path
) -> None:
    flows = tmp_path / "flows"
    flows.mkdir()
    (tmp_path / "secret.txt").write_text("s")
    (flows / "link.txt").symlink_to(tmp_path / "secret.txt")
    base = str(flows / "flow.yaml")
    for uri in ("../secret.txt", (tmp_path / "secret.txt").as_uri(), "link.txt", "file:///etc/passwd"):
        fault = await fault_of(resources, uri, base)
        assert (fault.type, fault.status) == (PREFIX + "authorization", 403)
    assert (await fault_of(resources, (tmp_path / "secret.txt").as_uri(), "http://host/flow.yaml")).status == 403
    for settings in (ResourceSettings(allow_files=True), ResourceSettings(folders=(str(tmp_path),))):
        assert (await Resources(authentication, settings).load("../secret.txt", None, base)).content == b"s"


async def test_faults_of_files(authentication: Authentication, tmp_path: Path) -> None:
    resources = Resources(authentication, ResourceSettings(max_bytes=10))
    base = str(tmp_path / "flow.yaml")
    gone = await fault_of(resources, "gone.json", base)
    assert (gone.type, gone.status) == (PREFIX + "communication", 404)
    assert "gone.json cannot be read: No such file" in (gone.detail or "")
    (tmp_path / "big").write_bytes(b"x" * 11)
    assert "larger than 10 bytes" in ((await fault_of(resources, "big", base)).detail or "")


RAW = "https://raw.githubusercontent.com/serverlessworkflow/catalog"
LOG = "functions/log/1.0.0/function.yaml"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("page", "raw"),
    [
        (f"/tree/main/{LOG}", [f"/refs/heads/main/{LOG}", f"/refs/tags/main/{LOG}"]),
        (f"/blob/v1/{LOG}", [f"/refs/heads/v1/{LOG}", f"/refs/tags/v1/{LOG}"]),
        (f"/tree/{COMMIT}/{LOG}", [f"/{COMMIT}/{LOG}"]),
        (f"/tree/refs/tags/v1/{LOG}", [f"/refs/tags/v1/{LOG}"]),
        (f"/{LOG}", [f"/HEAD/{LOG}"]),
    ],
)
def test_github_pages(page: str, raw: list[str]) -> None:
    found = raw_addresses(f"https://github.com/serverlessworkflow/catalog{page}")
    assert list(found) == [RAW + path for path in raw]


@pytest.mark.parametrize(
    ("page", "raw"),
    [
        ("https://gitlab.com/g/sub/p/-/tree/main/a.yaml", "https://gitlab.com/g/sub/p/-/raw/main/a.yaml"),
        ("https://git.example.com/g/p/-/blob/v1/a.yaml?x=1", "https://git.example.com/g/p/-/raw/v1/a.yaml?x=1"),
        ("https://github.com/o/r", "https://github.com/o/r"),
        ("https://github.com/o/r/releases/download/v1/a.yaml", "https://github.com/o/r/releases/download/v1/a.yaml"),
        ("https://example.com/o/r/blob/main/a", "https://example.com/o/r/blob/main/a"),
    ],
)
def test_other_pages(page: str, raw: str) -> None:
    assert raw_addresses(page) == (raw,)


async def test_a_gitlab_page_is_fetched_raw(web: Web, resources: Resources) -> None:
    web.on["/g/p/-/raw/main/a.yaml"] = answer(200, "raw")
    resource = await resources.load(f"{web.url}/g/p/-/blob/main/a.yaml")
    assert (resource.content, resource.uri) == (b'"raw"', f"{web.url}/g/p/-/raw/main/a.yaml")


async def test_a_github_page_may_name_a_branch_or_a_tag(web: Web) -> None:
    """A proxy stands in for GitHub."""
    clients = Clients(ClientSettings(proxy=web.url))
    resources = Resources(Authentication(clients))
    web.on["/o/r/refs/tags/v1/a.yaml"] = answer(200, "tagged")
    assert (await resources.load("http://github.com/o/r/tree/v1/a.yaml")).content == b'"tagged"'
    base = "http://raw.githubusercontent.com/o/r/refs"
    assert [asked.target for asked in web.asked] == [f"{base}/heads/v1/a.yaml", f"{base}/tags/v1/a.yaml"]
    assert (await fault_of(resources, "http://github.com/o/r/tree/v2/a.yaml")).status == 404
    await clients.close()
