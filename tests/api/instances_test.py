"""Instances over HTTP: lists with their filters and cursors, everything about one, its tasks, deletion."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.api.site import problem, reaches, start


def test_an_instance_is_told_with_its_data_and_where_it_stands(http: httpx.Client) -> None:
    id_ = start(http, "listens", {"id": "o1"}, tags="k=v").json()["id"]
    found = reaches(http, id_, "waiting")
    assert found["input"] == {"id": "o1"}
    assert (found["namespace"], found["name"], found["version"]) == ("test", "listens", "1.0.0")
    assert found["tags"] == {"k": "v"}
    assert found["startedAt"].endswith("Z")
    assert found["endedAt"] is found["output"] is found["error"] is None
    assert found["standing"][0]["position"] == "/do/0/hear"
    assert found["standing"][0]["waitsFor"] == "event"


def test_an_ended_instance_has_its_output_or_error(http: httpx.Client) -> None:
    ended = http.get(start(http, "order", {"id": 5}, wait="5s").headers["flowrt-instance-id"], params={})
    problem(ended, 404)
    id_ = start(http, "order", {"id": 5}, wait="5s").headers["flowrt-instance-id"]
    found = http.get(f"/v1/instances/{id_}").json()
    assert found["status"] == "completed"
    assert found["output"] == {"id": 5, "done": True}
    assert found["endedAt"] >= found["startedAt"]
    assert found["standing"] == []


def test_the_completed_tasks_come_in_order(http: httpx.Client) -> None:
    id_ = start(http, "order", {"id": 5}, wait="5s").headers["flowrt-instance-id"]
    tasks = http.get(f"/v1/instances/{id_}/tasks").json()["items"]
    assert [task["position"] for task in tasks] == ["/do/0/first", "/do/1/second"]
    assert tasks[0]["output"] == {"id": 5, "seen": True}
    assert tasks[0]["kind"] == "set"
    assert tasks[0]["next"] == "/do/1/second"
    assert tasks[0]["startedAt"].endswith("Z")


@pytest.mark.parametrize("path", ["", "/tasks", "/events"])
def test_an_unknown_instance_is_not_found(http: httpx.Client, path: str) -> None:
    assert "no-such" in problem(http.get(f"/v1/instances/no-such{path}"), 404)["detail"]


def test_a_list_is_newest_first_and_goes_on_at_the_cursor(http: httpx.Client) -> None:
    ids = [start(http, "echo", {"n": number}, tags="list=paged").json()["id"] for number in range(7)]
    found: list[str] = []
    cursor = None
    sizes = []
    while True:
        query = {"tag": "list:paged", "limit": "3", **({"cursor": cursor} if cursor else {})}
        page = http.get("/v1/instances", params=query).json()
        sizes.append(len(page["items"]))
        found += [item["id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert found == ids[::-1]
    assert sizes == [3, 3, 1]


def test_filters_are_all_to_be_met(http: httpx.Client) -> None:
    one = start(http, "waits", tags="filter=yes").json()["id"]
    two = start(http, "echo", {}, tags="filter=yes").json()["id"]
    reaches(http, one, "waiting")
    reaches(http, two, "completed")

    def ids(**query: str) -> set[str]:
        page = http.get("/v1/instances", params={"tag": "filter:yes", **query}).json()
        return {item["id"] for item in page["items"]}

    assert ids() == {one, two}
    assert ids(status="waiting") == {one}
    assert ids(name="echo", namespace="test", version="1.0.0") == {two}
    assert ids(namespace="other") == ids(version="2.0.0") == ids(status="faulted") == set()
    hour = timedelta(hours=1)
    for later in ((datetime.now(UTC) + hour).isoformat(), f"{datetime.now(UTC) + hour:%Y-%m-%dT%H:%M:%SZ}"):
        assert ids(since=later) == set()
    assert ids(since="1h") == ids(since="PT1H") == ids(since=(datetime.now(UTC) - hour).isoformat()) == {one, two}


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "1001"},
        {"limit": "-1"},
        {"limit": "many"},
        {"limit": "1" * 5000},
        {"cursor": "nonsense"},
        {"cursor": "💥"},
        {"status": "sleeping"},
        {"tag": "nocolon"},
        {"tag": ":x"},
        {"since": "yesterday"},
        {"since": "2026-01-01T00:00:00"},
        {"sort": "name"},
    ],
)
def test_wrong_queries_are_refused(http: httpx.Client, query: dict[str, str]) -> None:
    problem(http.get("/v1/instances", params=query), 400)


def test_only_an_ended_instance_is_deleted(http: httpx.Client) -> None:
    id_ = start(http, "waits", id="to-delete").json()["id"]
    found = problem(http.delete(f"/v1/instances/{id_}"), 409)
    assert "cancel it first" in found["detail"]
    http.post(f"/v1/instances/{id_}/cancel")
    assert http.delete(f"/v1/instances/{id_}").status_code == 204
    problem(http.get(f"/v1/instances/{id_}"), 404)
    problem(http.delete(f"/v1/instances/{id_}"), 404)


@pytest.mark.parametrize("id_", ["x" * 256, "a%0Ab", "%00", "a%7Fb"])
def test_what_is_no_id_is_refused(http: httpx.Client, id_: str) -> None:
    problem(http.get(f"/v1/instances/{id_}"), 400)
    problem(http.post(f"/v1/instances/{id_}/cancel"), 400)
