"""When the store does not answer, or nothing may be taken yet: 503, soon, and what to do. In this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from flowrt.api.app import create_app
from flowrt.api.context import Context
from flowrt.assemble import Assembly
from flowrt.config.model import Config, Storage
from flowrt.stores.memory import MemoryStore
from flowrt.stores.protocol import Batch, StaleOwner, StoreUnavailable
from tests.api.definitions import ECHO, LISTENS, WAITS
from tests.api.site import event, problem

START = "/v1/definitions/test/echo/instances"


class Faulty(MemoryStore):
    """A memory store that can be switched off."""

    def __init__(self) -> None:
        super().__init__()
        self.works = asyncio.Event()
        self.works.set()
        self.stale = False

    async def commit(self, batch: Batch, token: int) -> None:
        if self.stale:
            raise StaleOwner("another process has a newer token")
        if not self.works.is_set():
            await asyncio.sleep(0.01)
            raise StoreUnavailable("the disk is gone")
        await super().commit(batch, token)

    async def check(self) -> str | None:
        await self.works.wait()
        return None


@dataclass(slots=True)
class Bench:
    """The application without a server."""

    http: httpx.AsyncClient
    store: Faulty
    context: Context
    assembly: Assembly


@asynccontextmanager
async def opened(
    monkeypatch: pytest.MonkeyPatch, own: bool = True, store: Faulty | None = None, restore: bool = True
) -> AsyncIterator[Bench]:
    store = store or Faulty()
    monkeypatch.setattr("flowrt.assemble.make_store", lambda config: store)
    assembly = Assembly(Config(storage=Storage(url="memory:")))
    app = create_app(assembly)
    await assembly.host.connect()
    if own:
        await assembly.host.own()
        for text in (ECHO, WAITS, LISTENS):
            await assembly.service.deploy(text)
        if restore:
            await assembly.host.restore()
    context: Context = app.state.context
    context.durable_s = 0.2
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        yield Bench(http, store, context, assembly)
    store.works.set()
    await assembly.host.close(1.0)


async def test_a_start_that_the_store_does_not_confirm_may_be_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(monkeypatch) as bench:
        bench.store.works.clear()
        headers = {"Idempotency-Key": "k"}
        first = await bench.http.post(START, json={"n": 1}, headers=headers)
        found = problem(first, 503)
        assert "may still happen" in found["detail"]
        assert first.headers["retry-after"]
        problem(await bench.http.post(START, json={"n": 1}, headers=headers), 503)
        assert "the disk is gone" in problem(await bench.http.get("/ready"), 503)["reasons"]
        assert (await bench.http.get("/health")).status_code == 200
        assert "flowrt_store_up 0.0" in (await bench.http.get("/metrics")).text
        bench.store.works.set()
        bench.context.durable_s = 10
        again = await bench.http.post(START, json={"n": 1}, headers=headers, params={"wait": "5s"})
        assert again.json() == {"n": 1}
        assert len((await bench.http.get("/v1/instances")).json()["items"]) == 1
        assert (await bench.http.get("/ready")).status_code == 200


async def test_an_event_that_the_store_does_not_confirm_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(monkeypatch) as bench:
        await bench.http.post("/v1/definitions/test/listens/instances?id=l", json={"id": "1"})
        await bench.http.post("/v1/definitions/test/waits/instances?id=w")
        bench.store.works.clear()
        paid = event("paid", "1", subject="1", data=5)
        problem(await bench.http.post("/v1/events", json=paid), 503)
        problem(await bench.http.post("/v1/events", json=paid), 503)
        problem(await bench.http.post("/v1/instances/w/suspend"), 503)
        bench.store.works.set()
        bench.context.durable_s = 10
        assert (await bench.http.post("/v1/events", json=paid)).json() == {"accepted": 0}
        assert (await bench.http.post("/v1/instances/w/suspend")).json()["status"] == "suspended"
        end = await bench.assembly.service.result("l", 5)
        assert end.output == {"shipped": 5}


async def test_a_store_that_hangs_does_not_hang_readiness(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flowrt.api.health.CHECK_S", 0.05)
    async with opened(monkeypatch) as bench:
        bench.store.works.clear()
        assert "has not answered" in problem(await bench.http.get("/ready"), 503)["detail"]
        quarkus = await bench.http.get("/q/health/ready")
        assert quarkus.status_code == 503
        assert quarkus.json()["status"] == "DOWN"


async def test_while_another_process_owns_the_instances_no_work_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(monkeypatch, own=False) as bench:
        answer = await bench.http.post(START, json={})
        assert "another process" in problem(answer, 503)["detail"]
        assert answer.headers["retry-after"]
        assert "another process" in problem(await bench.http.get("/ready"), 503)["detail"]
        assert (await bench.http.get("/health")).status_code == 200


async def test_who_has_lost_the_instances_takes_no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(monkeypatch) as bench:
        bench.store.stale = True
        problem(await bench.http.post(START, json={}), 503)
        answer = await bench.http.post(START, json={})
        assert "newer token" in problem(answer, 503)["detail"]
        assert "newer token" in problem(await bench.http.get("/ready"), 503)["detail"]


async def test_starts_are_taken_before_the_restore_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(monkeypatch) as bench:
        bench.assembly.host.restoring = True
        assert "restore" in problem(await bench.http.get("/ready"), 503)["detail"]
        assert (await bench.http.post(START, json={})).status_code == 202


async def test_who_is_asked_for_before_the_restore_hears_events_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(monkeypatch) as bench:
        await bench.http.post("/v1/definitions/test/listens/instances?id=l", json={"id": "1"})
        store = bench.store
    async with opened(monkeypatch, store=store, restore=False) as bench:
        assert await bench.assembly.worker.running("l") is not None
        await bench.assembly.host.restore()
        await bench.http.post("/v1/events", json=event("paid", "1", subject="1", data=5))
        assert (await bench.assembly.service.result("l", 5)).output == {"shipped": 5}


async def test_an_unexpected_error_tells_no_details(monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    async with opened(monkeypatch) as bench:

        def broken(*_: object) -> None:
            raise RuntimeError("the password is 1234")

        monkeypatch.setattr(bench.assembly.definitions, "all", broken)
        answer = await bench.http.get("/v1/definitions")
        assert "1234" not in problem(answer, 500)["detail"]
        assert "1234" in caplog.text
