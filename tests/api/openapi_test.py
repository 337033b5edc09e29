"""The description: sound OpenAPI, complete, with an operation for each workflow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema_rs

from flowrt.api.app import OPERATIONS

Json = Any


def document(http: httpx.Client) -> dict[str, Json]:
    found: dict[str, Json] = http.get("/openapi.json").json()
    return found


def operations(found: dict[str, Json]) -> Iterator[tuple[str, str, dict[str, Json], list[Json]]]:
    for path, item in found["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield path, method, operation, [*item.get("parameters", []), *operation.get("parameters", [])]


def test_every_operation_is_described(http: httpx.Client) -> None:
    described = {(method.upper(), path) for path, method, _, _ in operations(document(http))}
    assert {(operation.method, operation.path) for operation in OPERATIONS} <= described


def test_it_is_sound(http: httpx.Client) -> None:
    found = document(http)
    assert found["openapi"].startswith("3.1")
    ids = [operation["operationId"] for _, _, operation, _ in operations(found)]
    assert len(ids) == len(set(ids))
    tags = {tag["name"] for tag in found["tags"]}
    for path, method, operation, parameters in operations(found):
        assert set(operation["tags"]) <= tags
        assert operation["summary"]
        assert operation["responses"]
        assert all(answer["description"] for answer in operation["responses"].values()), (path, method)
        assert [p["name"] for p in parameters if p["in"] == "path"] == re.findall(r"\{(\w+)\}", path)
    for name in re.findall(r'"#/components/schemas/(\w+)"', http.get("/openapi.json").text):
        assert name in found["components"]["schemas"]


def test_what_the_server_answers_is_as_described(http: httpx.Client) -> None:
    found = document(http)
    id_ = http.post("/v1/definitions/test/order/instances?wait=5s", json={"id": 1}).headers["flowrt-instance-id"]
    places = {
        "/v1/definitions": "/v1/definitions",
        "/v1/instances": "/v1/instances?limit=20",
        "/v1/instances/{id}": f"/v1/instances/{id_}",
        "/v1/instances/{id}/tasks": f"/v1/instances/{id_}/tasks",
    }
    for path, place in places.items():
        schema = found["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        whole = {**schema, "components": found["components"]}
        jsonschema_rs.validator_for(whole).validate(http.get(place).json())


def test_each_workflow_has_an_operation_with_its_input_schema(http: httpx.Client) -> None:
    found = document(http)
    operation = found["paths"]["/v1/definitions/test/order/1.0.0/instances"]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    assert schema["required"] == ["id"]
    check = jsonschema_rs.validator_for(schema)
    assert check.is_valid({"id": 7})
    assert not check.is_valid({"id": "seven"})
    assert "/v1/definitions/test/hello/1.0.0/instances" in found["paths"]


def test_the_page_stands_alone(http: httpx.Client) -> None:
    answer = http.get("/docs")
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "/openapi.json" in answer.text
    assert not re.findall(r"(?:src|href)=", answer.text)
