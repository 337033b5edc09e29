"""Health, readiness, metrics; and Quarkus Flow's names for them."""

from __future__ import annotations

import re

import httpx
import pytest

from flowrt.version import VERSION
from tests.api.site import start


def test_a_healthy_server_says_so(http: httpx.Client) -> None:
    assert http.get("/health").json() == {"status": "up", "version": VERSION}
    assert http.get("/ready").json() == {"status": "ready", "restored": 0}
    assert http.head("/health").status_code == 200
    assert http.head("/ready").content == b""


@pytest.mark.parametrize("path", ["", "/live", "/ready", "/started"])
def test_quarkus_health(http: httpx.Client, path: str) -> None:
    assert http.get(f"/q/health{path}").json()["status"] == "UP"


def figures(http: httpx.Client, path: str = "/metrics") -> dict[str, float]:
    answer = http.get(path)
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = re.findall(r"^(flowrt_[^ ]+) (\S+)$", answer.text, re.M)
    return {name: float(value) for name, value in found}


def test_metrics_count_what_happens(http: httpx.Client) -> None:
    before = figures(http)
    assert start(http, "hello", {"name": "x"}, wait="5s").status_code == 200
    assert start(http, "faults", wait="5s").status_code == 422
    after = figures(http, "/q/metrics")

    def grown(name: str) -> float:
        return after[name] - before[name]

    assert grown("flowrt_instances_started_total") == 2
    assert grown('flowrt_instances_ended_total{status="completed"}') == 1
    assert grown('flowrt_instances_ended_total{status="faulted"}') == 1
    assert grown("flowrt_flush_seconds_count") >= 1
    assert grown("flowrt_flush_seconds_sum") > 0
    assert after["flowrt_store_up"] == after["flowrt_owner"] == 1
    assert after["flowrt_restoring"] == 0
