"""The specification's examples of HTTP and OpenAPI calls, and of what is built on them."""

from __future__ import annotations

from typing import Any

import pytest

from flowrt import InvalidInput
from tests.conformance.examples.stage import PET, Stage
from tests.effects.http.local_web import Asked, Web, answer

Json = Any
SOLD = {**PET, "status": "sold"}


def asked(web: Web) -> list[tuple[str, str]]:
    return [(request.method, request.path) for request in web.asked]


@pytest.mark.parametrize(
    "name",
    [
        "call-http-endpoint-interpolation",
        "call-http-endpoint-interpolation-shorthand",
        "do-single",
        "try-catch",
        "try-catch-retry-inline",
        "try-catch-retry-reusable",
    ],
)
async def test_a_pet_is_asked_for(stage: Stage, name: str) -> None:
    assert await stage.output(name, {"petId": 7}) == PET
    assert asked(stage.web) == [("GET", "/v2/pet/7")]


async def test_two_calls_in_a_row(stage: Stage) -> None:
    def buy(request: Asked) -> Any:
        return answer(200, SOLD if request.method == "PUT" else {**PET, "petId": 7})

    stage.web.on["/v2/pet/7"] = buy
    assert await stage.output("do-multiple", {"petId": 7}) == SOLD
    assert asked(stage.web) == [("GET", "/v2/pet/7"), ("PUT", "/v2/pet/7")]
    assert stage.web.asked[1].json()["status"] == "sold"


async def test_a_function_of_the_definition(stage: Stage) -> None:
    stage.web.on["/v2/pet/69"] = answer(200, PET)
    assert await stage.output("call-custom-function-inline") == PET


async def test_a_function_of_a_catalog(stage: Stage) -> None:
    function = """
input: {schema: {document: {type: object, required: [message]}}}
set: '${ "\\(.level): \\(.message)" }'
"""
    path = "/serverlessworkflow/catalog/main/functions/log/1.0.0/function.yaml"
    stage.web.on[path] = answer(200, text=function)
    assert await stage.output("call-custom-function-cataloged") == "information: Hello, world!"
    assert asked(stage.web)[0] == ("GET", path)


@pytest.mark.parametrize("name", ["call-http-query-parameters", "call-http-query-headers-expressions"])
async def test_query_and_headers(stage: Stage, name: str) -> None:
    stage.web.on["/api/people/"] = answer(200, {"count": 1})
    assert await stage.output(name, {"searchQuery": "Luke"}) == {"count": 1}
    [request] = stage.web.asked
    assert request.query == [("search", "Luke")]
    with pytest.raises(InvalidInput, match="searchQuery"):
        await stage.start(name, {})


@pytest.mark.parametrize(("name", "path"), [("call-http-redirect", "/api/people/"), ("call-openapi-redirect", "/find")])
async def test_a_redirection_is_an_answer_where_it_is_wanted(stage: Stage, name: str, path: str) -> None:
    stage.web.on["/v2/swagger.json"] = answer(200, pet_store(stage.web, path))
    stage.web.on[path] = answer(302, {"moved": True}, location="/elsewhere")
    assert await stage.output(name, {"searchQuery": "Luke"}) == {"moved": True}


async def test_an_operation_of_openapi(stage: Stage) -> None:
    stage.web.on["/v2/swagger.json"] = answer(200, pet_store(stage.web, "/find"))
    stage.web.on["/find"] = answer(200, [PET])
    assert await stage.output("call-openapi") == [PET]
    assert stage.web.asked[-1].query == [("status", "available")]


def pet_store(web: Web, path: str) -> Json:
    parameter = {"name": "status", "in": "query", "type": "string"}
    return {
        "swagger": "2.0",
        "info": {"title": "pets", "version": "1"},
        "host": f"127.0.0.1:{web.port}",
        "schemes": ["http"],
        "paths": {path: {"get": {"operationId": "findPetsByStatus", "parameters": [parameter], "responses": {}}}},
    }


async def test_a_call_whose_answer_names_the_next(stage: Stage) -> None:
    stage.web.on["/api/people/1"] = answer(200, {"homeworld": f"{stage.web.url}/api/planets/1"})
    stage.web.on["/api/planets/1"] = answer(200, {"name": "Tatooine"})
    assert await stage.output("star-wars-homeworld", {"id": 1}) == {"name": "Tatooine"}


async def test_a_condition(stage: Stage) -> None:
    stage.web.on["/api/bet/on/football"] = answer(200, {"placed": True})
    adult, child = {"customer": {"age": 18}}, {"customer": {"age": 17}}
    result = await stage.run("conditional-task", child)
    assert (result.error or {})["title"] == "Access Forbidden"
    # The directive of a task that is skipped still holds: `end`, as it is written.
    assert await stage.output("conditional-task", adult) == adult
    assert await stage.output("conditional-task", adult, {"then: end": "then: continue"}) == {"placed": True}
    assert asked(stage.web) == [("POST", "/api/bet/on/football")]


async def test_branches_that_compete(stage: Stage) -> None:
    stage.web.on["/api/v3/alert/nurses"] = answer(200, "nurse")
    stage.web.on["/api/v3/alert/doctor"] = answer(200, "doctor")
    assert await stage.output("fork", {"patient": {"fullName": "Ann"}, "room": {"number": 3}}) in ("nurse", "doctor")
    assert {request.json()["room"] for request in stage.web.asked} == {3}


async def test_a_fault_that_is_caught(stage: Stage) -> None:
    stage.web.on["/v2/pet/7"] = answer(404)
    assert (await stage.run("try-catch", {"petId": 7})).status == "completed"
    await stage.output("try-catch-then", {"petId": 7})
    assert [method for method, _ in asked(stage.web)] == ["GET", "GET"]
    [event] = await stage.events(1)
    assert (event["type"], event["data"]["status"]) == ("io.swagger.petstore.events.pets.not-found.v1", 404)


@pytest.mark.parametrize("name", ["try-catch-retry-inline", "try-catch-retry-reusable"])
async def test_a_call_that_is_tried_again(stage: Stage, name: str) -> None:
    answers = iter([answer(503), answer(503), answer(200, PET)])
    stage.web.on["/v2/pet/7"] = lambda request: next(answers)
    assert await stage.output(name, {"petId": 7}, {"seconds: 3": "milliseconds: 30"}) == PET
    assert len(stage.web.asked) == 3


async def test_an_extension_that_mocks_some_calls(stage: Stage) -> None:
    name, uri = "mock-service-extension", f"endpoint:\n          uri: {stage.web.url}/sample"
    # The condition as it is written asks whether an object starts with a text, which jq refuses.
    assert "startswith() requires string inputs" in ((await stage.run(name)).error or {})["detail"]
    mocked = await stage.output(name, None, {uri: "endpoint: https://mocked.service.com/sample"})
    assert mocked["content"] == {"foo": {"bar": "baz"}}
    assert stage.web.asked == []
