"""The client's limits, retries, routing and connections."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import formatdate

import pytest

from flowrt.core.effect import Effect
from flowrt.core.fault import PREFIX, Fault, Faulted
from flowrt.effects.client import Breaker, Clients, ClientSettings, Pool, Request, Retries, Timeouts
from flowrt.effects.client.messages import is_sensitive
from flowrt.effects.client.routing import client_names
from tests.effects.http.local_web import Answer, Web, answer, listening


@asynccontextmanager
async def using(settings: ClientSettings, **named: ClientSettings) -> AsyncIterator[Clients]:
    clients = Clients(settings, named)
    try:
        yield clients
    finally:
        await clients.close()


@asynccontextmanager
async def raw_server(reply: bytes | None, *, hang_up: bool = True) -> AsyncIterator[str]:
    """Answers each connection with these bytes; None is silence."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if reply is not None:
            writer.write(reply)
        if not hang_up:
            await reader.read()

    async with listening(talk) as port:
        yield f"http://127.0.0.1:{port}"


async def fault_of(clients: Clients, request: Request, effect: Effect | None = None) -> Fault:
    with pytest.raises(Faulted) as caught:
        await clients.send(request, effect)
    return caught.value.fault


async def test_nobody_listens() -> None:
    async with using(ClientSettings()) as clients:
        fault = await fault_of(clients, Request("GET", "http://user:pw@127.0.0.1:9/pets?key=hush"))
    assert (fault.type, fault.status) == (PREFIX + "communication", 503)
    assert (fault.detail or "").startswith("GET http://127.0.0.1:9/pets: no answer")
    assert "hush" not in str(fault)
    assert "pw" not in str(fault)


async def test_unknown_host() -> None:
    async with using(ClientSettings()) as clients:
        fault = await fault_of(clients, Request("GET", "http://nowhere.invalid/"))
    assert fault.status == 503
    assert "looking up nowhere.invalid" in (fault.detail or "")


async def test_server_that_hangs_up_or_talks_nonsense() -> None:
    async with using(ClientSettings()) as clients:
        for reply in (b"", b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"):
            async with raw_server(reply) as url:
                assert (await fault_of(clients, Request("GET", url))).status == 503


async def test_silent_server_is_a_504() -> None:
    async with using(ClientSettings(timeouts=Timeouts(read_s=0.05))) as clients, raw_server(None, hang_up=False) as url:
        fault = await fault_of(clients, Request("GET", url))
    assert (fault.type, fault.status, fault.title) == (PREFIX + "communication", 504, "Gateway Timeout")
    assert "silent for 0.05 s" in (fault.detail or "")


async def test_total_time_bounds_everything() -> None:
    settings = ClientSettings(timeouts=Timeouts(total_s=0.05), retries=Retries(count=9))
    async with using(settings) as clients, raw_server(None, hang_up=False) as url:
        fault = await fault_of(clients, Request("GET", url))
    assert fault.status == 504
    assert "0.05 s (total timeout)" in (fault.detail or "")


async def test_the_callers_own_timeout_is_not_ours() -> None:
    async with using(ClientSettings()) as clients, raw_server(None, hang_up=False) as url:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await clients.send(Request("GET", url))


async def test_cancelling_closes_the_connection() -> None:
    gone = asyncio.Event()
    asked = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await reader.read()
        gone.set()

    async with listening(talk) as port, using(ClientSettings()) as clients:
        sending = asyncio.create_task(clients.send(Request("GET", f"http://127.0.0.1:{port}")))
        await asked.wait()
        sending.cancel()
        async with asyncio.timeout(5):
            await gone.wait()
        with pytest.raises(asyncio.CancelledError):
            await sending


@pytest.mark.parametrize("packed", [False, True])
async def test_large_answers_are_cut(web: Web, packed: bool) -> None:
    body = b"x" * 5000
    web.on["/x"] = Answer(200, gzip.compress(body), [("Content-Encoding", "gzip")]) if packed else Answer(200, body)
    async with using(ClientSettings(max_response_bytes=4999)) as clients:
        fault = await fault_of(clients, Request("GET", f"{web.url}/x"))
    assert (fault.type, fault.status) == (PREFIX + "communication", 502)
    assert "more than 4999 bytes" in (fault.detail or "")
    async with using(ClientSettings(max_response_bytes=5000)) as clients:
        assert (await clients.send(Request("GET", f"{web.url}/x"))).content == body


async def test_body_that_belies_its_encoding(web: Web) -> None:
    web.on["/x"] = Answer(200, b"not gzip", [("Content-Encoding", "gzip")])
    async with using(ClientSettings()) as clients:
        fault = await fault_of(clients, Request("GET", f"{web.url}/x"))
    assert fault.status == 502
    assert "Content-Encoding" in (fault.detail or "")


async def test_connections_are_reused(web: Web) -> None:
    web.on["/x"] = answer(200)
    async with using(ClientSettings()) as clients:
        for _ in range(5):
            await clients.send(Request("GET", f"{web.url}/x"))
    assert web.connections == 1


async def test_pool_bounds_connections(web: Web) -> None:
    web.on["/x"] = answer(200)
    async with using(ClientSettings(pool=Pool(max_connections=2))) as clients:
        await asyncio.gather(*(clients.send(Request("GET", f"{web.url}/x")) for _ in range(10)))
    assert web.connections <= 2


def test_each_event_loop_has_its_own_connections() -> None:
    clients = Clients()

    async def once() -> int:
        async with Web(on={"/x": answer(200)}) as web:
            status = (await clients.send(Request("GET", f"{web.url}/x"))).status
            await clients.close()
            return status

    assert [asyncio.run(once()), asyncio.run(once())] == [200, 200]


async def test_cookies_stay_with_the_call_that_got_them(web: Web) -> None:
    web.on["/x"] = answer(200, Set_Cookie="session=1; Path=/")
    async with using(ClientSettings()) as clients:
        await clients.send(Request("GET", f"{web.url}/x"))
        await clients.send(Request("GET", f"{web.url}/x"))
    assert web.asked[1].header("cookie") is None


async def test_static_headers_give_way(web: Web) -> None:
    web.on["/x"] = answer(200)
    async with using(ClientSettings(headers={"X-Team": "a", "X-Env": "p"}, user_agent="mine/1")) as clients:
        await clients.send(Request("GET", f"{web.url}/x", (("x-team", "b"),)))
    asked = web.asked[0]
    assert [asked.header(name) for name in ("x-team", "x-env", "user-agent")] == ["b", "p", "mine/1"]


async def test_retries_idempotent_calls(web: Web) -> None:
    replies = iter([answer(503), answer(429), answer(200, "done")])
    web.on["/x"] = lambda _: next(replies)
    async with using(ClientSettings(retries=Retries(count=2, backoff_s=0))) as clients:
        assert (await clients.send(Request("PUT", f"{web.url}/x"))).content == b'"done"'


async def test_the_last_answer_stands(web: Web) -> None:
    web.on["/x"] = answer(503)
    async with using(ClientSettings(retries=Retries(count=2, backoff_s=0))) as clients:
        assert (await clients.send(Request("GET", f"{web.url}/x"))).status == 503
        assert len(web.asked) == 3
        assert (await clients.send(Request("POST", f"{web.url}/x"))).status == 503
        assert len(web.asked) == 4
        web.on["/x"] = answer(500)
        assert (await clients.send(Request("GET", f"{web.url}/x"))).status == 500
        assert len(web.asked) == 5


async def test_retries_after_no_answer() -> None:
    connections = 0

    async def talk(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1

    settings = ClientSettings(retries=Retries(count=2, backoff_s=0))
    async with listening(talk) as port, using(settings) as clients:
        fault = await fault_of(clients, Request("GET", f"http://127.0.0.1:{port}"))
    assert (fault.status, connections) == (503, 3)


@pytest.mark.parametrize("retry_after", ["0", formatdate(0, usegmt=True), "nonsense"])
async def test_retry_after_is_honoured(web: Web, retry_after: str) -> None:
    replies = iter([answer(503, Retry_After=retry_after), answer(200)])
    web.on["/x"] = lambda _: next(replies)
    async with using(ClientSettings(retries=Retries(count=1, backoff_s=0))) as clients:
        assert (await clients.send(Request("GET", f"{web.url}/x"))).status == 200


async def test_a_retry_after_beyond_the_limit_ends_the_retries(web: Web) -> None:
    web.on["/x"] = answer(503, Retry_After="31")
    async with using(ClientSettings(retries=Retries(count=3, backoff_s=0))) as clients:
        assert (await clients.send(Request("GET", f"{web.url}/x"))).status == 503
    assert len(web.asked) == 1


async def test_breaker_opens_and_closes(web: Web) -> None:
    replies = iter([answer(500), answer(502), answer(500), answer(200), answer(200)])
    web.on["/x"] = lambda _: next(replies)
    request = Request("GET", f"{web.url}/x")
    async with using(ClientSettings(breaker=Breaker(failures=2, reset_s=0.05))) as clients:
        await clients.send(request)
        await clients.send(request)
        fault = await fault_of(clients, request)
        assert fault.status == 503
        assert "circuit breaker" in (fault.detail or "")
        assert len(web.asked) == 2
        assert await first_let_through(clients, request) == 500
        assert (await fault_of(clients, request)).status == 503
        assert await first_let_through(clients, request) == 200
        assert (await clients.send(request)).status == 200


async def first_let_through(clients: Clients, request: Request) -> int:
    async with asyncio.timeout(5):
        while True:
            try:
                return (await clients.send(request)).status
            except Faulted:
                await asyncio.sleep(0.01)


async def test_breaker_counts_only_failures_in_a_row(web: Web) -> None:
    replies = iter([answer(500), answer(404), answer(500), answer(200)])
    web.on["/x"] = lambda _: next(replies)
    async with using(ClientSettings(breaker=Breaker(failures=2))) as clients:
        statuses = [(await clients.send(Request("GET", f"{web.url}/x"))).status for _ in range(4)]
    assert statuses == [500, 404, 500, 200]


async def test_redirects_when_asked_for(web: Web) -> None:
    web.on["/x"], web.on["/y"] = answer(302, Location="/y"), answer(200, "here")
    web.on["/round"] = answer(302, Location="/round")
    async with using(ClientSettings(max_redirects=3)) as clients:
        response = await clients.send(Request("GET", f"{web.url}/x", follow_redirects=True))
        assert (response.content, response.url) == (b'"here"', f"{web.url}/y")
        fault = await fault_of(clients, Request("GET", f"{web.url}/round", follow_redirects=True))
    assert fault.status == 502
    assert "redirected more than 3 times" in (fault.detail or "")


def wanted_by(task: str = "pay", workflow: tuple[str, str, str] = ("shop", "order", "1.0.0")) -> Effect:
    return Effect("http", {}, "01J", f"/do/0/{task}", task=task, workflow=workflow)


def test_client_names_from_the_most_specific() -> None:
    assert client_names(wanted_by()) == (
        "shop:order:1.0.0.pay",
        "shop:order.pay",
        "order.pay",
        "shop:order:1.0.0",
        "shop:order",
        "order",
    )


@pytest.mark.parametrize("place", range(6))
async def test_named_clients(web: Web, place: int) -> None:
    web.on["/x"] = answer(200)
    names = client_names(wanted_by())
    named = {name: ClientSettings(user_agent=name) for name in names[place:]}
    async with using(ClientSettings(user_agent="default"), **named) as clients:
        await clients.send(Request("GET", f"{web.url}/x"), wanted_by())
        await clients.send(Request("GET", f"{web.url}/x"), wanted_by(workflow=("a", "b", "1.0.0")))
        await clients.send(Request("GET", f"{web.url}/x"))
        assert clients.settings(wanted_by()).user_agent == names[place]
    assert [asked.header("user-agent") for asked in web.asked] == [names[place], "default", "default"]


@pytest.mark.parametrize(
    ("header", "hidden"),
    [
        ("Authorization", True),
        ("proxy-authorization", True),
        ("Cookie", True),
        ("X-API-Key", True),
        ("Ocp-Apim-Subscription-Key", True),
        ("X-Auth-Token", True),
        ("Idempotency-Key", False),
        ("Content-Type", False),
        ("traceparent", False),
    ],
)
def test_sensitive_headers(header: str, hidden: bool) -> None:
    assert is_sensitive(header) is hidden
