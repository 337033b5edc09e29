"""kill -9: nothing acknowledged is lost, nothing done twice but the call in flight, which carries the same key."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.servers import Server
from tests.soak.callee import Callee
from tests.soak.conftest import Soaked
from tests.soak.plant import Plant, insist
from tests.soak.workload import CALLS_OF_ONE, ITEMS, expected_output, texts

SOAK = "FLOWRT_SOAK" in os.environ
KILLS = int(os.environ.get("FLOWRT_KILLS", 100 if SOAK else 6))
IN_FLIGHT_S, WITHOUT_STORE_S = 3.0, 15.0
"""A call may come again when the server was killed this soon after it first came; later if its store was down."""


class Load:
    """Starts instances and sends each its event, until told to stop; each request is repeated until acknowledged."""

    def __init__(self, plant: Plant, clients: int) -> None:
        self._plant = plant
        self.started: list[str] = []
        self.problems: list[str] = []
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(clients)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(180)

    def _run(self, number: int) -> None:
        with httpx.Client() as client:
            for count in range(1_000_000):
                if self._stopping.is_set():
                    return
                try:
                    self._one(client, f"{number}-{count}")
                except AssertionError as error:
                    self.problems.append(str(error))
                    return

    def _one(self, client: httpx.Client, key: str) -> None:
        url = f"{self._plant.url}/v1/definitions/soak/mixed/instances"
        answer = insist(client, "POST", url, json={"items": ITEMS}, headers={"Idempotency-Key": key})
        assert answer.status_code == 202, answer.text
        id_ = answer.json()["id"]
        self.started.append(id_)
        while not listens(insist(client, "GET", f"{self._plant.url}/v1/instances/{id_}").json()):
            if self._stopping.is_set():
                return
            time.sleep(0.02)
        self.approve(client, id_)

    def approve(self, client: httpx.Client, id_: str) -> None:
        """Sends the event an instance waits for; sending it again has no second effect."""
        event = {"specversion": "1.0", "id": id_, "source": "/soak", "type": "approved", "subject": id_}
        event["data"] = {"by": f"boss of {id_}"}  # type: ignore[assignment]
        answer = insist(client, "POST", f"{self._plant.url}/v1/events", json=event)
        assert answer.status_code == 202, answer.text


def soak(folder: Path, store: str, kills: int, server: Server | None = None, seed: int = 7) -> None:
    """Load, kills at random moments, and the reckoning."""
    callee = Callee()
    callee.start()
    workflows = folder / "workflows"
    workflows.mkdir()
    for name, text in texts(callee.url).items():
        (workflows / f"{name}.yaml").write_text(text)
    plant = Plant(folder, store, workflows)
    try:
        run(plant, callee, kills, server, seed)
    finally:
        plant.end()
        callee.stop()


def run(plant: Plant, callee: Callee, kills: int, server: Server | None, seed: int) -> None:
    """The load, the kills, the reckoning."""
    plant.start()
    plant.wait_ready()
    moments = random.Random(seed)
    load = Load(plant, 8)
    for number in range(kills):
        time.sleep(moments.uniform(0.1, 1.5))
        if server is not None and number % 3 == 2:
            server.kill()
            time.sleep(0.5)
            server.restart()
            continue
        plant.kill()
        plant.start()
        plant.wait_ready()
    time.sleep(1.0)
    load.stop()
    assert not load.problems
    reckon(plant, load, callee, IN_FLIGHT_S if server is None else WITHOUT_STORE_S)
    assert plant.stop() == 0


def reckon(plant: Plant, load: Load, callee: Callee, in_flight_s: float) -> None:
    """Everything acknowledged has ended as it must; no call is missing, unknown or repeated without reason."""
    with httpx.Client() as client:
        for id_ in load.started:
            found = settled(client, plant, load, id_)
            assert found["status"] == "completed", found
            assert found["output"] == expected_output(id_)
    keys = Counter((call.key, call.path) for call in callee.calls)
    assert len(load.started) > 10
    for id_ in load.started:
        missing = {(id_ + key, path) for key, path in CALLS_OF_ONE} - set(keys)
        assert not missing
    known = {(id_ + key, path) for id_ in load.started for key, path in CALLS_OF_ONE}
    unknown = {pair for pair in keys if pair not in known and pair[1] != "/child"}
    assert not unknown
    children = {key for key, path in keys if path == "/child"}
    assert len(children) == len(load.started)
    first: dict[str, float] = {}
    for call in callee.calls:
        at = first.setdefault(call.key, call.at)
        if call.at != at:
            assert any(at <= kill <= at + in_flight_s for kill in plant.kills), f"{call.key} came again for no reason"


def listens(found: dict[str, Any]) -> bool:
    """Whether an instance waits for its event; one sent before would be heard by nobody."""
    return any("approval" in place["position"] for place in found.get("standing", ()))


def settled(client: httpx.Client, plant: Plant, load: Load, id_: str) -> dict[str, object]:
    """The instance once it has ended; one that still waits for its event gets it now."""
    end = time.monotonic() + 60
    while True:
        found = insist(client, "GET", f"{plant.url}/v1/instances/{id_}").json()
        if found["status"] in ("completed", "faulted", "cancelled"):
            return dict(found)
        if listens(found):
            load.approve(client, id_)
        assert time.monotonic() < end, f"{id_} is stuck: {found}"
        time.sleep(0.05)


def test_file_store_survives_kills(tmp_path: Path) -> None:
    soak(tmp_path, f"file://{tmp_path}/store", KILLS)


@pytest.mark.soak
@pytest.mark.parametrize("soaked", ["redis", "postgresql", "mariadb"], indirect=True)
def test_servers_survive_kills(tmp_path: Path, soaked: Soaked) -> None:
    """flowrt is killed, and every third time its store, too."""
    soak(tmp_path, soaked.url, KILLS, soaked.server)
