"""Control over HTTP: suspend, resume, cancel, retry; one by one and many at once."""

from __future__ import annotations

import httpx
import pytest

from tests.api.site import problem, reaches, start


def post(http: httpx.Client, id_: str, verb: str) -> httpx.Response:
    return http.post(f"/v1/instances/{id_}/{verb}")


def test_suspend_and_resume(http: httpx.Client) -> None:
    id_ = start(http, "waits").json()["id"]
    reaches(http, id_, "waiting")
    assert post(http, id_, "suspend").json() == {"id": id_, "status": "suspended"}
    assert post(http, id_, "suspend").json()["status"] == "suspended"
    assert http.get(f"/v1/instances/{id_}").json()["status"] == "suspended"
    assert post(http, id_, "resume").json() == {"id": id_, "status": "waiting"}
    assert post(http, id_, "resume").json()["status"] == "waiting"


def test_cancel_is_final(http: httpx.Client) -> None:
    id_ = start(http, "waits").json()["id"]
    assert post(http, id_, "cancel").json() == {"id": id_, "status": "cancelled"}
    assert post(http, id_, "cancel").json() == {"id": id_, "status": "cancelled"}
    for verb in ("suspend", "resume", "retry"):
        assert "cancelled" in problem(post(http, id_, verb), 409)["detail"]


def test_only_a_faulted_instance_is_retried(http: httpx.Client) -> None:
    done = start(http, "hello", {"name": "x"}, wait="5s").headers["flowrt-instance-id"]
    problem(post(http, done, "retry"), 409)
    problem(post(http, done, "cancel"), 409)
    faulted = start(http, "faults", wait="5s").headers["flowrt-instance-id"]
    assert post(http, faulted, "retry").status_code == 200
    reaches(http, faulted, "faulted")


@pytest.mark.parametrize("verb", ["suspend", "resume", "cancel", "retry"])
def test_an_unknown_instance_is_not_found(http: httpx.Client, verb: str) -> None:
    problem(post(http, "no-such", verb), 404)


def fork(http: httpx.Client, id_: str, order: object = None, **query: str) -> httpx.Response:
    return http.post(f"/v1/instances/{id_}/fork", json=order, params=query)


def test_a_fork_starts_where_the_other_one_stood(http: httpx.Client) -> None:
    origin = start(http, "order", {"id": 7}, wait="5s").headers["flowrt-instance-id"]
    answer = fork(http, origin, {"from": "/do/1/second"}, tags="why=again")
    assert answer.status_code == 200
    forked = answer.json()
    assert forked["id"] != origin
    assert (forked["name"], answer.headers["location"]) == ("order", f"/v1/instances/{forked['id']}")
    reaches(http, forked["id"], "completed")
    found = http.get(f"/v1/instances/{forked['id']}").json()
    assert (found["output"], found["tags"]) == ({"id": 7, "done": True}, {"why": "again"})
    tasks = http.get(f"/v1/instances/{forked['id']}/tasks").json()["items"]
    assert [(task["position"], task["next"]) for task in tasks] == [
        ("/do/0/first", "/do/1/second"),
        ("/do/1/second", None),
    ]
    waiting = start(http, "waits").json()["id"]
    assert fork(http, waiting, id="fork of waits").json() == {**forked, "id": "fork of waits", "name": "waits"} | {
        "status": "waiting"
    }


def test_what_cannot_be_forked_is_said(http: httpx.Client) -> None:
    origin = start(http, "order", {"id": 7}, wait="5s").headers["flowrt-instance-id"]
    problem(fork(http, "no-such"), 404)
    assert "has not run /do/5/x" in problem(fork(http, origin, {"from": "/do/5/x"}), 409)["detail"]
    problem(fork(http, origin, id=origin), 409)
    for wrong in ([], "x", {"from": 1}, {"form": "/do/0/first"}):
        problem(fork(http, origin, wrong), 400)


def test_a_batch_has_a_result_for_each_id(http: httpx.Client) -> None:
    waiting = start(http, "waits").json()["id"]
    done = start(http, "hello", {"name": "x"}, wait="5s").headers["flowrt-instance-id"]
    order = {"action": "cancel", "ids": [waiting, done, "no-such"]}
    items = http.post("/v1/instances:batch", json=order).json()["items"]
    assert items[0] == {"id": waiting, "status": "cancelled"}
    assert "completed" in items[1]["reason"]
    assert "no instance" in items[2]["reason"]
    deleted = http.post("/v1/instances:batch", json={"action": "delete", "ids": [waiting]}).json()
    assert deleted == {"items": [{"id": waiting, "status": "deleted"}], "more": False}
    problem(http.get(f"/v1/instances/{waiting}"), 404)


def test_a_batch_takes_what_a_filter_finds(http: httpx.Client) -> None:
    ids = {start(http, "waits", tags="wave=7").json()["id"] for _ in range(20)}
    for id_ in ids:
        reaches(http, id_, "waiting")
    items = http.post("/v1/instances:batch", json={"action": "suspend", "tag": "wave:7"}).json()["items"]
    assert {item["id"]: item["status"] for item in items} == dict.fromkeys(ids, "suspended")
    order = {"action": "cancel", "tag": "wave:7", "status": "suspended", "namespace": "test", "name": "waits"}
    assert len(http.post("/v1/instances:batch", json=order).json()["items"]) == 20


@pytest.mark.parametrize(
    "order",
    [
        [],
        {},
        {"action": "explode", "ids": []},
        {"action": "cancel"},
        {"action": "cancel", "ids": ["a"], "tag": "a:b"},
        {"action": "cancel", "ids": "a"},
        {"action": "cancel", "ids": [1]},
        {"action": "cancel", "ids": ["a/b"]},
        {"action": "cancel", "ids": ["a"] * 1001},
        {"action": "cancel", "tag": "ab"},
        {"action": "cancel", "tag": 1},
        {"action": "cancel", "status": "odd"},
        {"action": "cancel", "everything": True},
    ],
)
def test_what_is_no_batch_is_refused(http: httpx.Client, order: object) -> None:
    problem(http.post("/v1/instances:batch", json=order), 400)
