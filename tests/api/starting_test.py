"""Starting over HTTP: input, options, idempotency, waiting for the end, many at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.api.site import Site, problem, reaches, start


def test_a_start_is_accepted_and_says_where_the_instance_is(http: httpx.Client) -> None:
    answer = start(http, "hello", {"name": "Ada"})
    assert answer.status_code == 202
    body = answer.json()
    assert (body["namespace"], body["name"], body["version"]) == ("test", "hello", "1.0.0")
    assert answer.headers["location"] == f"/v1/instances/{body['id']}"
    found = reaches(http, answer.json()["id"], "completed")
    assert found["output"] == {"greeting": "Hello, Ada"}


def test_with_wait_the_answer_is_the_bare_output(http: httpx.Client) -> None:
    answer = start(http, "hello", {"name": "Ada"}, wait="5s")
    assert answer.status_code == 200
    assert answer.json() == {"greeting": "Hello, Ada"}
    assert http.get(f"/v1/instances/{answer.headers['flowrt-instance-id']}").json()["status"] == "completed"
    assert start(http, "number", {}, wait="PT5S").json() == 1


@pytest.mark.parametrize("wait", ["5", "5s", "PT5S", "5000ms", "0.1m"])
def test_with_wait_the_answer_comes_when_it_has_ended(http: httpx.Client, wait: str) -> None:
    assert start(http, "nap", wait=wait).json() == {"rested": True}


def test_when_the_time_is_up_the_start_is_accepted(http: httpx.Client) -> None:
    began = time.monotonic()
    answer = start(http, "waits", wait="100ms")
    assert answer.status_code == 202
    assert 0.1 <= time.monotonic() - began < 3
    assert answer.json()["status"] == "waiting"


def test_a_fault_is_a_problem_with_its_own_status(http: httpx.Client) -> None:
    answer = start(http, "faults", wait="5s")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "https://example.com/errors/broke",
        "title": "Broke",
        "status": 422,
        "detail": "No money",
        "instance": "/do/0/refuse",
    }
    assert http.get(f"/v1/instances/{answer.headers['flowrt-instance-id']}").json()["error"] == answer.json()


def test_a_fault_whose_status_is_no_error_of_http_is_500(http: httpx.Client) -> None:
    answer = start(http, "odd", wait="5s")
    assert answer.status_code == 500
    assert answer.json()["status"] == 200


def test_a_cancelled_instance_is_a_conflict(http: httpx.Client) -> None:
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(start, http, "waits", None, id="to-be-cancelled", wait="10s")
        reaches(http, "to-be-cancelled", "waiting")
        http.post("/v1/instances/to-be-cancelled/cancel")
        assert "cancelled" in problem(waiting.result(), 409)["type"]


def test_no_body_is_an_empty_input(http: httpx.Client) -> None:
    assert start(http, "echo", wait="5s").json() == {}


@pytest.mark.parametrize("data", [None, 7, "text", [1, {"a": []}], {"ä": "\u2028😀"}, {"a": {"a": 1.5e300}}])
def test_any_json_is_an_input(http: httpx.Client, data: object) -> None:
    headers = {"Content-Type": "application/json"}
    answer = http.post(
        "/v1/definitions/test/echo/instances", json=data, headers=headers, params={"id": f"any-{data!r:.20}"}
    )
    assert answer.status_code == 202
    assert reaches(http, answer.json()["id"], "completed")["input"] == ({} if data is None else data)


def test_an_input_that_breaks_the_schema_starts_nothing(http: httpx.Client) -> None:
    answer = start(http, "order", {"id": "seven"}, id="broken-input")
    found = problem(answer, 400)
    assert found["type"].endswith("/errors/validation")
    assert "/id" in found["detail"]
    problem(http.get("/v1/instances/broken-input"), 404)


def test_the_id_can_be_chosen_and_comes_back_again(http: httpx.Client) -> None:
    first = start(http, "order", {"id": 1}, id="order 1 ü?#")
    again = start(http, "order", {"id": 2}, id="order 1 ü?#")
    assert first.json()["id"] == "order 1 ü?#"
    assert again.status_code == 202
    assert again.json()["id"] == first.json()["id"]
    found = http.get(again.headers["location"]).json()
    assert found["input"] == {"id": 1}
    assert start(http, "order", {"id": 2}, id="order 1 ü?#", wait="5s").json() == {"id": 1, "done": True}


def test_an_idempotency_key_gives_the_first_instance(http: httpx.Client) -> None:
    def once(_: int) -> str:
        with httpx.Client(base_url=http.base_url) as own:
            answer = own.post(
                "/v1/definitions/test/hello/instances", json={"name": "Ada"}, headers={"Idempotency-Key": "key/1"}
            )
            assert answer.status_code == 202
            return str(answer.json()["id"])

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(once, range(24)))) == 1
    other = http.post("/v1/definitions/test/echo/instances", headers={"Idempotency-Key": "key/1"})
    assert other.json()["id"] != once(0)


def test_tags_are_kept_from_the_query_and_from_headers(http: httpx.Client) -> None:
    one = start(http, "echo", tags="team=red, shop = north").json()["id"]
    assert http.get(f"/v1/instances/{one}").json()["tags"] == {"team": "red", "shop": "north"}
    headers = {"Flowrt-Tags": "team=blue", "Flowrt-Id": "tagged"}
    two = http.post("/v1/definitions/test/echo/instances", headers=headers).json()["id"]
    assert two == "tagged"
    assert http.get(f"/v1/instances/{two}").json()["tags"] == {"team": "blue"}


@pytest.mark.parametrize(
    "query",
    [
        {"wait": "soon"},
        {"wait": "-5s"},
        {"wait": ""},
        {"wait": "nan"},
        {"id": ""},
        {"id": "a/b"},
        {"id": "a\nb"},
        {"id": "a\x00"},
        {"id": "x" * 256},
        {"tags": "novalue"},
        {"tags": "=x"},
        {"tags": ",".join(f"k{n}=1" for n in range(65))},
    ],
)
def test_wrong_options_are_refused(http: httpx.Client, query: dict[str, str]) -> None:
    before = http.get("/v1/instances", params={"name": "hello"}).json()["items"]
    problem(start(http, "hello", {"name": "x"}, **query), 400)
    assert http.get("/v1/instances", params={"name": "hello"}).json()["items"] == before


def test_a_wrong_key_is_refused(http: httpx.Client) -> None:
    problem(http.post("/v1/definitions/test/hello/instances", headers={"Idempotency-Key": "x" * 300}), 400)


def test_an_unknown_workflow_cannot_be_started(http: httpx.Client) -> None:
    problem(start(http, "nothing", {}), 404)
    problem(http.post("/v1/definitions/test/hello/9.9.9/instances", json={}), 404)


def test_many_start_in_one_commit(http: httpx.Client) -> None:
    path = "/v1/definitions/test/order/instances:batch"
    inputs = [{"id": number} for number in range(600)]
    answer = http.post(path, json=inputs, params={"tags": "batch=one"}, headers={"Idempotency-Key": "batch-1"})
    assert answer.status_code == 202
    ids = answer.json()
    assert len(set(ids)) == 600
    assert reaches(http, ids[599], "completed")["output"] == {"id": 599, "done": True}
    assert http.post(path, json=inputs, headers={"Idempotency-Key": "batch-1"}).json() == ids
    page = http.get("/v1/instances", params={"tag": "batch:one", "limit": 1000}).json()
    assert len(page["items"]) == 600


def test_of_many_with_one_wrong_input_none_starts(http: httpx.Client) -> None:
    path = "/v1/definitions/test/order/1.0.0/instances:batch"
    found = problem(http.post(path, json=[{"id": 1}, {"id": "x"}], params={"tags": "batch=two"}), 400)
    assert "Input 1" in found["detail"]
    assert http.get("/v1/instances", params={"tag": "batch:two"}).json()["items"] == []
    problem(http.post(path, json={"id": 1}), 400)
    problem(http.post(path, json=[{"id": 1}] * 1001), 400)
    assert http.post(path, json=[]).json() == []


def test_who_waits_is_answered_when_the_server_stops(own_site: Site) -> None:
    from tests.api.definitions import WAITS

    own_site.write("waits.yaml", WAITS)
    own_site.start()
    with own_site.client() as client, ThreadPoolExecutor() as pool:
        waiting = pool.submit(start, client, "waits", None, id="w", wait="60s")
        reaches(client, "w", "waiting")
        began = time.monotonic()
        assert own_site.stop() == 0
        assert waiting.result().status_code == 202
        assert time.monotonic() - began < 5
