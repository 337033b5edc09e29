"""Which hosts may be called, by name and after DNS."""

from __future__ import annotations

import asyncio
import socket

import pytest

from flowrt.core.fault import PREFIX, Fault, Faulted
from flowrt.effects.client import Clients, ClientSettings, Hosts, Request
from flowrt.effects.client.hosts import HostRules
from tests.effects.http.local_web import Web, answer


async def fault_of(hosts: Hosts, url: str) -> Fault:
    clients = Clients(ClientSettings(hosts=hosts))
    with pytest.raises(Faulted) as caught:
        await clients.send(Request("GET", url, follow_redirects=True))
    await clients.close()
    return caught.value.fault


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://169.254.170.2/credentials",
        "http://2852039166/",
        "http://0xA9FEA9FE/",
        "http://[fe80::1]/",
        "http://[fd00:ec2::254]/",
        "http://[::ffff:169.254.169.254]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[2002:a9fe:a9fe::]/",
        "http://100.100.100.200/",
        "http://metadata.google.internal/",
        "http://METADATA.google.internal./",
    ],
)
async def test_metadata_services_are_out_of_reach(url: str) -> None:
    fault = await fault_of(Hosts(), url)
    assert (fault.type, fault.status) == (PREFIX + "authorization", 403)
    assert "deny-link-local" in (fault.detail or "")


async def test_a_name_is_judged_by_its_address(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """The resolver is the system's; here it knows one name more, which moves between two look-ups."""
    loop = asyncio.get_running_loop()
    addresses = iter(["127.0.0.1", "169.254.169.254"])

    async def look_up(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        assert host == "rebound.test"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(addresses), port))]

    web.on["/x"] = answer(200, "once", Connection="close")
    monkeypatch.setattr(loop, "getaddrinfo", look_up)
    clients = Clients()
    request = Request("GET", f"http://rebound.test:{web.port}/x")
    assert (await clients.send(request)).content == b'"once"'
    with pytest.raises(Faulted) as caught:
        await clients.send(request)
    monkeypatch.undo()
    await clients.close()
    assert "rebound.test is at 169.254.169.254" in (caught.value.fault.detail or "")


async def test_a_redirect_is_no_way_around(web: Web) -> None:
    web.on["/x"] = answer(302, Location="http://169.254.169.254/latest")
    assert (await fault_of(Hosts(), f"{web.url}/x")).status == 403


async def test_allowed_hosts_only(web: Web) -> None:
    fault = await fault_of(Hosts(allow=("*.example.com", "api.test")), f"{web.url}/x")
    assert (fault.type, fault.status) == (PREFIX + "authorization", 403)
    assert "127.0.0.1" in (fault.detail or "")


async def test_denied_hosts(web: Web) -> None:
    assert (await fault_of(Hosts(deny=("LOCALHOST",)), f"http://localhost:{web.port}/x")).status == 403
    assert (await fault_of(Hosts(deny=("127.*",)), f"http://localhost:{web.port}/x")).status == 403
    assert web.asked == []


async def test_localhost_is_fine_by_default(web: Web) -> None:
    web.on["/x"] = answer(200)
    clients = Clients(ClientSettings(hosts=Hosts(allow=("local*",))))
    assert (await clients.send(Request("GET", f"http://localhost:{web.port}/x"))).status == 200
    await clients.close()


def test_link_local_may_be_allowed() -> None:
    HostRules(Hosts(deny_link_local=False)).check_name("169.254.169.254")
