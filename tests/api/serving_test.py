"""Serving: starts quickly, stops in order, goes on after a stop and after a kill."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.api.definitions import ALL, HELLO, LISTENS, WAITS
from tests.api.site import Site, event, problem, reaches, start


def test_it_is_ready_soon(own_site: Site) -> None:
    for name, text in ALL.items():
        own_site.write(f"{name}.yaml", text)
    began = time.monotonic()
    own_site.start()
    assert time.monotonic() - began < 5
    with own_site.client() as http:
        assert http.get("/ready").status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(own_site: Site, number: signal.Signals) -> None:
    own_site.write("listens.yaml", LISTENS)
    own_site.start()
    with own_site.client() as http:
        start(http, "listens", {"id": "1"}, id="l")
        with http.stream("GET", "/v1/instances/l/events") as stream:
            next(stream.iter_lines())
            own_site.send(number)
            assert own_site.ended() == 0
    assert f"{number.name}: stopping" in own_site.log
    assert "Traceback" not in own_site.log
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{own_site.url}/health")


def test_after_a_stop_everything_goes_on(own_site: Site) -> None:
    for text, name in ((LISTENS, "listens"), (WAITS, "waits")):
        own_site.write(f"{name}.yaml", text)
    own_site.start()
    with own_site.client() as http:
        put = {"Content-Type": "application/yaml"}
        assert http.put("/v1/definitions", content=HELLO, headers=put).status_code == 201
        start(http, "listens", {"id": "1"}, id="l", tags="k=v")
        reaches(http, "l", "waiting")
        start(http, "waits", id="w")
        reaches(http, "w", "waiting")
        assert http.post("/v1/instances/w/suspend").json()["status"] == "suspended"
        done = start(http, "hello", {"name": "x"}, id="h", wait="5s")
        assert done.status_code == 200
    assert own_site.stop() == 0
    (own_site.workflows / "listens.yaml").unlink()
    own_site.start()
    with own_site.client() as http:
        assert http.get("/ready").json()["restored"] == 2
        assert http.get("/v1/instances/w").json()["status"] == "suspended"
        assert http.get("/v1/instances/h").json()["output"] == {"greeting": "Hello, x"}
        assert start(http, "hello", {"name": "y"}, wait="5s").json() == {"greeting": "Hello, y"}
        http.post("/v1/events", json=event("paid", "1", subject="1", data=3)).raise_for_status()
        assert reaches(http, "l", "completed")["output"] == {"shipped": 3}
        assert http.delete("/v1/definitions/test/hello/1.0.0").status_code == 204
    own_site.stop()
    own_site.start()
    with own_site.client() as http:
        problem(start(http, "hello", {"name": "y"}), 404)


def test_what_was_acknowledged_survives_a_kill(own_site: Site) -> None:
    own_site.write("listens.yaml", LISTENS)
    own_site.start()
    with own_site.client() as http:
        ids = [start(http, "listens", {"id": f"{n}"}).json()["id"] for n in range(20)]
        key = {"Idempotency-Key": "once"}
        path = "/v1/definitions/test/listens/instances"
        once = http.post(path, json={"id": "once"}, headers=key).json()["id"]
        http.post("/v1/events", json=event("paid", "e0", subject="0", data=0)).raise_for_status()
    own_site.kill()
    own_site.start()
    with own_site.client() as http:
        assert http.post(path, json={"id": "once"}, headers=key).json()["id"] == once
        assert http.post("/v1/events", json=event("paid", "e0", subject="1", data=0)).json() == {"accepted": 0}
        for number, id_ in enumerate(ids[1:], 1):
            http.post("/v1/events", json=event("paid", f"e{number}", subject=str(number), data=number))
            assert reaches(http, id_, "completed")["output"] == {"shipped": number}
        assert reaches(http, ids[0], "completed")["output"] == {"shipped": 0}


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flowrt", "serve", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=15)


def test_a_port_in_use_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run(tmp_path, ".", "--port", str(port), "--store", "memory:")
    assert ended.returncode == 3
    assert f"cannot listen on 127.0.0.1:{port}" in ended.stderr
    assert "in use" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_store_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    ended = run(tmp_path, ".", "--port", "0", "--store", f"file://{tmp_path}/file")
    assert ended.returncode == 3
    assert "the store cannot be used" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_wrong_setting_is_bad_usage(tmp_path: Path) -> None:
    assert run(tmp_path, ".", "--port", "70000").returncode == 2
    assert run(tmp_path, ".", "--store", "nonsense://x").returncode in (2, 3)
