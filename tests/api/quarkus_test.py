"""The paths and bodies of Quarkus Flow's runner."""

from __future__ import annotations

import httpx

from tests.api.site import problem, reaches

EXEC = "/q/flow/exec/test"


def test_with_wait_the_output_is_part_of_the_answer(http: httpx.Client) -> None:
    answer = http.post(f"{EXEC}/hello/1.0.0?wait=true", json={"name": "Ada"})
    assert answer.status_code == 200
    body = answer.json()
    assert body["status"] == "COMPLETED"
    assert body["workflowOutput"] == {"greeting": "Hello, Ada"}
    assert body["startedAt"] <= body["completedAt"]
    assert reaches(http, body["instanceId"], "completed")
    assert http.post(f"{EXEC}/number?wait=true").json()["workflowOutput"] == {"response": 1}


def test_without_wait_it_is_accepted(http: httpx.Client) -> None:
    answer = http.post(f"{EXEC}/waits", json={})
    assert answer.status_code == 202
    body = answer.json()
    assert body["workflowOutput"] is None
    assert set(body) >= {"workflowApplicationId", "instanceId", "status", "startedAt", "completedAt"}
    id_ = body["instanceId"]
    reaches(http, id_, "waiting")
    assert http.post(f"/q/flow/exec/suspend/{id_}").status_code == 200
    reaches(http, id_, "suspended")
    assert http.post(f"/q/flow/exec/resume/{id_}").status_code == 200
    assert http.delete(f"/q/flow/exec/{id_}").status_code == 200
    reaches(http, id_, "cancelled")
    assert http.post(f"/q/flow/exec/suspend/{id_}").status_code == 304
    problem(http.delete("/q/flow/exec/no-such"), 404)


def test_faults_and_mistakes_are_problems(http: httpx.Client) -> None:
    assert http.post(f"{EXEC}/faults?wait=true").status_code == 422
    problem(http.post(f"{EXEC}/nothing"), 404)
    problem(http.post(f"{EXEC}/hello?wait=maybe"), 400)


def test_definitions(http: httpx.Client) -> None:
    found = {item["name"]: item for item in http.get("/q/flow/definitions?namespace=test").json()}
    order = found["order"]
    assert order["dsl"] == "1.0.3"
    assert order["links"]["execute"]["href"] == f"{EXEC}/order/1.0.0"
    assert order["inputSchema"]["document"]["required"] == ["id"]
    assert http.get(order["links"]["self"]["href"]).json()["document"]["name"] == "order"
    assert http.get("/q/flow/definitions/test/order", headers={"Accept": "application/yaml"}).text.startswith("# the")
