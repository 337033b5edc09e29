"""The specification's examples of events: emitted, listened to, and starting workflows."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.conformance.examples.stage import PATIENT_S, Stage
from tests.effects.http.local_web import answer

Json = Any
HOT, FAST = "com.fake-hospital.vitals.measurements.temperature", "com.fake-hospital.vitals.measurements.bpm"


async def test_an_event_is_emitted(stage: Stage) -> None:
    await stage.output("emit")
    [event] = await stage.events(1)
    assert (event["type"], event["source"]) == ("com.petstore.order.placed.v1", "https://petstore.com")
    assert event["data"]["items"] == [{"breed": "dalmatian", "quantity": 101}]


@pytest.mark.parametrize("name", ["listen-to-all", "listen-to-all read-envelope"])
async def test_one_event_of_each_kind(stage: Stage, name: str) -> None:
    handle = await stage.start(name)
    await stage.waiting(handle)
    await stage.publish(HOT, {"temperature": 37})
    hot = await stage.publish(HOT, {"temperature": 39})
    await stage.waiting(handle)
    fast = await stage.publish(FAST, {"bpm": 140})
    output = (await handle.result(30)).output
    if name == "listen-to-all":
        assert output == [hot["data"], fast["data"]]
    else:
        assert [each["id"] for each in output] == [hot["id"], fast["id"]]


async def test_any_of_two_kinds(stage: Stage) -> None:
    handle = await stage.start("listen-to-any-filter")
    await stage.waiting(handle)
    await stage.publish(FAST, {"bpm": 70})
    await stage.publish(FAST, {"bpm": 50})
    assert (await handle.result(30)).output == [{"bpm": 50}]


async def test_any_event_at_all(stage: Stage) -> None:
    handle = await stage.start("listen-to-any")
    await stage.waiting(handle)
    await stage.publish("whatever", {"n": 1})
    assert (await handle.result(30)).output == [{"n": 1}]


async def test_until_a_condition_holds(stage: Stage) -> None:
    handle = await stage.start("listen-to-any-until-condition")
    for number in range(4):
        await stage.waiting(handle)
        await stage.publish("whatever", {"n": number})
    assert (await handle.result(30)).output == [{"n": 0}, {"n": 1}, {"n": 2}, {"n": 3}]


async def test_until_an_event_comes(stage: Stage) -> None:
    handle = await stage.start("listen-to-any-until-consumed")
    await stage.waiting(handle)
    await stage.publish(HOT, {"temperature": 40})
    await stage.publish(FAST, {"bpm": 150})
    await stage.publish("com.fake-hospital.patient.checked-out")
    assert (await handle.result(30)).output == [{"temperature": 40}, {"bpm": 150}]


async def test_for_ever_with_tasks_for_each_event(stage: Stage) -> None:
    # Each event is the input of its tasks, and none of these has a room: a variable without a value is empty.
    stage.web.on["/room/"] = answer(200, {})
    handle = await stage.start("listen-to-any-forever-foreach")
    for number in range(3):
        await stage.waiting(handle)
        await stage.publish("whatever", {"n": number})
        await stage.until(lambda number=number: len(stage.web.asked) == number + 1)  # type: ignore[misc]
    assert [request.json()["event"] for request in stage.web.asked] == [{"n": 0}, {"n": 1}, {"n": 2}]
    await handle.cancel()
    assert (await handle.result(30)).status == "cancelled"


async def test_one_event_then_a_call(stage: Stage) -> None:
    # The input of the call is the array of what came, which has no member to fill the address with.
    stage.web.on["/api/v4/cars//start"] = answer(200, {"started": True})
    handle = await stage.start("listen-to-one", {"carId": 7})
    await stage.waiting(handle)
    await stage.publish("com.virtual-wf-powered-race.events.race.started.v1", {"carId": 7})
    assert (await handle.result(30)).output == {"started": True}


async def test_a_loop_that_listens(stage: Stage) -> None:
    # As it is written, the array of what came is asked for a member.
    output = {"as: '.pets + [{ \"id\": $pet.id }]'": "as: '{vet: 1, id: $pet.id}'"}
    handle = await stage.start("for", {"pets": [{"id": 1}, {"id": 2}], "vet": "Ann"}, output)
    for _ in range(2):
        await stage.waiting(handle)
        await stage.publish("com.fake.petclinic.pets.checkup.completed.v2", {})
    assert (await handle.result(30)).output == {"vet": 1, "id": 2}


async def test_correlated_readings(stage: Stage) -> None:
    operations = {
        f"/{name}": {"post": {"operationId": name, "responses": {}}} for name in ("logreading", "produceReport")
    }
    described = {"openapi": "3.0.0", "info": {"title": "orders", "version": "1"}, "paths": operations}
    stage.web.on["/ordersservices.json"] = answer(200, {**described, "servers": [{"url": stage.web.url}]})
    stage.web.on["/logreading"] = answer(200, {"logged": True})
    stage.web.on["/produceReport"] = answer(200, "report")
    # As it is written, the array of what came is asked for a member.
    handle = await stage.start("accumulate-room-readings", None, {"as: .data.reading": "as: '{readings: .}'"})
    await stage.waiting(handle)
    for kind, room in (("temperature", 1), ("humidity", 2), ("humidity", 1)):
        source = "https://my.home.com/sensor"
        await stage.publish(f"my.home.sensors.{kind}", {"reading": kind}, source=source, roomid=room)
    assert (await handle.result(30)).output == "report"
    assert [request.path for request in stage.web.asked if request.method == "POST"] == [
        "/logreading",
        "/logreading",
        "/produceReport",
    ]


@pytest.mark.parametrize("name", ["set", "set-expression"])
async def test_an_event_starts_a_workflow(stage: Stage, name: str) -> None:
    await stage.deploy(name)
    await stage.publish("io.serverlessworkflow.samples.events.trigger.v1", {"n": 1})
    result = await started(stage)
    assert (result["startEvent"] if name == "set" else result)["data"] == {"n": 1}


async def test_an_event_starts_a_call(stage: Stage) -> None:
    stage.web.on["/api/v1/notify"] = answer(200, "coming")
    await stage.deploy("schedule-event-driven")
    patient = {"id": 7, "name": "Ann", "room": {"number": 3}, "vitals": {"bpm": 40}}
    data = {"patient": patient, "timestamp": "now"}
    await stage.publish("com.example.hospital.events.patients.heartbeat.low", data)
    assert await started(stage) == "coming"
    assert stage.web.asked[0].json()["vitals"] == {"heartRate": 40, "timestamp": "now"}


async def test_a_schedule(stage: Stage) -> None:
    stage.web.on["/api/v1/backup/start"] = answer(200, "done")
    assert await stage.output("schedule-cron") == "done"


async def started(stage: Stage) -> Json:
    """The output of the one instance that an event starts."""
    async with asyncio.timeout(PATIENT_S):
        while not (found := [handle async for handle in stage.runtime.instances()]):
            await asyncio.sleep(0.01)
    return (await found[0].result(30)).output
