"""Events over HTTP: the content modes, duplicates, what is refused; and following an instance."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.api.site import event, problem, reaches, start

STRUCTURED = {"Content-Type": "application/cloudevents+json; charset=utf-8"}
BATCH = {"Content-Type": "application/cloudevents-batch+json"}


def listening(http: httpx.Client, id_: str) -> str:
    start(http, "listens", {"id": id_}, id=id_)
    reaches(http, id_, "waiting")
    return id_


def shipped(http: httpx.Client, id_: str) -> Any:
    return reaches(http, id_, "completed")["output"]["shipped"]


def test_structured(http: httpx.Client) -> None:
    id_ = listening(http, "structured")
    answer = http.post("/v1/events", json=event("paid", "s1", subject=id_, data={"sum": 7}), headers=STRUCTURED)
    assert answer.status_code == 202
    assert answer.json() == {"accepted": 1}
    assert shipped(http, id_) == {"sum": 7}


def test_an_event_may_just_be_named_json(http: httpx.Client) -> None:
    id_ = listening(http, "plain")
    assert http.post("/v1/events", json=event("paid", "p1", subject=id_, data=1)).status_code == 202
    assert shipped(http, id_) == 1


def test_binary(http: httpx.Client) -> None:
    id_ = listening(http, "binäry")
    headers = {
        "ce-specversion": "1.0",
        "ce-id": "b1",
        "ce-source": "/tests",
        "ce-type": "paid",
        "ce-subject": "bin%C3%A4ry",
        "Content-Type": "application/json",
    }
    assert http.post("/v1/events", content=b'{"sum": 8}', headers=headers).status_code == 202
    assert shipped(http, id_) == {"sum": 8}


def test_a_batch_counts_each_event_once(http: httpx.Client) -> None:
    one, two = listening(http, "batch-1"), listening(http, "batch-2")
    events = [event("paid", f"batch-{id_}", subject=id_, data=id_) for id_ in (one, two)]
    answer = http.post("/v1/events", content=json.dumps([*events, events[0]]), headers=BATCH)
    assert answer.status_code == 202
    assert answer.json() == {"accepted": 2}
    assert (shipped(http, one), shipped(http, two)) == (one, two)
    assert http.post("/v1/events", content=json.dumps(events), headers=BATCH).json() == {"accepted": 0}
    assert http.post("/v1/events", content=b"[]", headers=BATCH).json() == {"accepted": 0}


def test_an_event_sent_again_has_no_second_effect(http: httpx.Client) -> None:
    found = event("paid", "again", subject="again", data=1)

    def post(_: int) -> int:
        return http.post("/v1/events", json=found, headers=STRUCTURED).status_code

    listening(http, "again")
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(post, range(8))) == {202}
    assert shipped(http, "again") == 1
    start(http, "listens", {"id": "again"}, id="again-2")
    reaches(http, "again-2", "waiting")
    assert post(0) == 202
    assert http.get("/v1/instances/again-2").json()["status"] == "waiting"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"id": ""}, "'id'"),
        ({"id": 7}, "'id'"),
        ({"source": None}, "'source'"),
        ({"type": "x" * 256}, "'type'"),
        ({"specversion": "2.0"}, "'specversion'"),
        ({"time": "noon"}, "'time'"),
        ({"Upper": "x"}, "'Upper'"),
        ({"extension": {}}, "'extension'"),
        ({"data_base64": "%%%"}, "Base64"),
        ({"data": 1, "data_base64": "aaaa"}, "either"),
    ],
)
def test_an_invalid_event_is_refused_and_nothing_stored(http: httpx.Client, change: dict[str, Any], word: str) -> None:
    id_ = f"invalid-{word}-{len(str(change))}"
    right = event("paid", id_)
    answer = http.post("/v1/events", content=json.dumps([right, {**right, **change}]), headers=BATCH)
    assert word in problem(answer, 400)["detail"]
    assert http.post("/v1/events", json=right, headers=STRUCTURED).json() == {"accepted": 1}


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"{", STRUCTURED, 400),
        (b"[]", STRUCTURED, 400),
        (b"{}", BATCH, 400),
        (b"", STRUCTURED, 400),
        (b"{}", {"Content-Type": "application/cloudevents+avro"}, 415),
        (b"x", {"Content-Type": "text/plain"}, 415),
        (
            b"{",
            {"ce-id": "x", "ce-source": "/x", "ce-type": "x", "ce-specversion": "1.0", "content-type": "a/b+json"},
            400,
        ),
        (b"", {"ce-id": "x", "ce-source": "/x", "ce-specversion": "1.0"}, 400),
        (b"", {"ce-id": "%ff", "ce-source": "/x", "ce-type": "x", "ce-specversion": "1.0"}, 400),
        (b"", {"ce-id": "x", "ce-source": "/x", "ce-type": "x", "ce-specversion": "1.0", "ce-data": "1"}, 400),
    ],
)
def test_malformed_messages_are_refused(
    http: httpx.Client, content: bytes, headers: dict[str, str], status: int
) -> None:
    problem(http.post("/v1/events", content=content, headers=headers), status)


def test_too_many_events_are_refused(http: httpx.Client) -> None:
    events = [event("x", f"many-{number}") for number in range(1001)]
    problem(http.post("/v1/events", content=json.dumps(events), headers=BATCH), 400)


def followed(http: httpx.Client, id_: str) -> list[dict[str, Any]]:
    with http.stream("GET", f"/v1/instances/{id_}/events") as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        return [json.loads(line[5:]) for line in response.iter_lines() if line.startswith("data:")]


def test_an_instance_is_followed_until_it_ends(http: httpx.Client) -> None:
    id_ = listening(http, "followed")
    types: list[str] = []
    with http.stream("GET", f"/v1/instances/{id_}/events") as response:
        for line in response.iter_lines():
            if not line.startswith("data:"):
                continue
            found = json.loads(line[5:])
            types.append(found["type"])
            if len(types) == 1:
                assert found["data"]["status"] == "waiting"
                http.post("/v1/events", json=event("paid", "followed", subject=id_), headers=STRUCTURED)
                start(http, "echo", {})
    assert "shipped" in types
    prefix = "io.serverlessworkflow."
    assert f"{prefix}task.completed.v1" in types
    assert types.index(f"{prefix}workflow.completed.v1") > types.index("shipped")
    assert types.count(f"{prefix}workflow.completed.v1") == 1


def test_of_an_ended_instance_only_the_status_is_told(http: httpx.Client) -> None:
    id_ = start(http, "hello", {"name": "x"}, wait="5s").headers["flowrt-instance-id"]
    (only,) = followed(http, id_)
    assert only["data"]["status"] == "completed"


def test_who_stops_following_is_forgotten(http: httpx.Client) -> None:
    id_ = listening(http, "left")
    with http.stream("GET", f"/v1/instances/{id_}/events") as response:
        assert next(response.iter_lines()).startswith("id:")
    assert http.post("/v1/events", json=event("paid", "left", subject=id_, data=1)).status_code == 202
    assert shipped(http, id_) == 1
