"""Documents, servers, security, output and checks of `call: openapi`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from flowrt.core.effect import Effect
from flowrt.core.fault import PREFIX, Faulted
from flowrt.effects.openapi import OpenApiCall
from tests.effects.http.local_web import Answer, Web, answer
from tests.effects.openapi.conftest import Calls

EffectOf = Callable[..., Effect]
ID = {"name": "id", "in": "path", "required": True, "schema": {}}


def document(**members: Any) -> dict[str, Any]:
    pet = {"get": {"operationId": "getPet", "parameters": [ID], "responses": {"200": {"description": ""}}}}
    return {"openapi": "3.0.3", "paths": {"/pet/{id}": pet}} | members


async def test_outputs(web: Web, adapter: OpenApiCall, effect: EffectOf, serve: Calls) -> None:
    serve(document())
    web.on["/pet/1"] = answer(200, {"id": 1})
    assert (await adapter.run(effect("getPet", {"id": 1}))).output == {"id": 1}
    assert (await adapter.run(effect("getPet", {"id": 1}, output="raw"))).output == "eyJpZCI6IDF9"
    response = (await adapter.run(effect("getPet", {"id": 1}, output="response"))).output
    assert response["statusCode"] == 200
    assert response["request"]["uri"] == f"{web.url}/pet/1"
    assert response["request"]["method"] == "get"
    assert response["content"] == {"id": 1}
    assert web.asked[-1].header("idempotency-key") == "01J/do/0/pet/0/0"


async def test_errors_and_redirects(web: Web, adapter: OpenApiCall, effect: EffectOf, serve: Calls) -> None:
    serve(document())
    web.on["/pet/1"] = answer(302, "moved", Location="/pet/2")
    with pytest.raises(Faulted) as caught:
        await adapter.run(effect("getPet", {"id": 1}))
    assert (caught.value.fault.type, caught.value.fault.status) == (PREFIX + "communication", 302)
    assert (await adapter.run(effect("getPet", {"id": 1}, redirect=True))).output == "moved"


async def test_authentication_of_document_and_call(
    web: Web, adapter: OpenApiCall, effect: EffectOf, serve: Calls
) -> None:
    serve(document())
    web.on["/pet/1"] = answer(200)
    named = {"endpoint": {"uri": f"{web.url}/openapi.json", "authentication": {"bearer": {"token": "doc-token"}}}}
    outcome = await adapter.run(
        effect("getPet", {"id": 1}, document=named, authentication={"basic": {"username": "u", "password": "p"}})
    )
    assert [asked.header("authorization") for asked in web.asked] == ["Bearer doc-token", "Basic dTpw"]
    assert outcome.authorization == {"scheme": "Basic", "parameter": "dTpw"}


async def test_document_in_yaml_and_from_a_file(
    web: Web, adapter: OpenApiCall, effect: EffectOf, tmp_path: Path
) -> None:
    text = yaml.safe_dump(document(servers=[{"url": web.url}]))
    web.on["/api.yaml"] = answer(200, text=text, Content_Type="application/yaml")
    web.on["/pet/1"] = answer(200, "from yaml")
    assert (
        await adapter.run(effect("getPet", {"id": 1}, document={"endpoint": f"{web.url}/api.yaml"}))
    ).output == "from yaml"
    (tmp_path / "api.yaml").write_text(text)
    wanted = effect("getPet", {"id": 1}, document={"endpoint": "api.yaml"})
    object.__setattr__(wanted, "base_uri", str(tmp_path / "flow.yaml"))
    assert (await adapter.run(wanted)).output == "from yaml"


async def test_a_changed_document_is_noticed(web: Web, adapter: OpenApiCall, effect: EffectOf, serve: Calls) -> None:
    web.fallback = answer(200)
    serve(document(servers=[{"url": "/v1"}]))
    await adapter.run(effect("getPet", {"id": 1}))
    assert web.asked[-1].path == "/v1/pet/1"
    serve(document(servers=[{"url": "/v2"}]))
    await adapter.run(effect("getPet", {"id": 1}))
    assert web.asked[-1].path == "/v2/pet/1"


@pytest.mark.parametrize(
    ("servers", "path"),
    [
        ([], "/pet/1"),
        ([{"url": "/v2/"}, {"url": "/other"}], "/v2/pet/1"),
        ([{"url": "api"}], "/api/pet/1"),
        ([{"url": "/{base}/{v}", "variables": {"base": {"default": "b"}, "v": {"default": 3}}}], "/b/3/pet/1"),
    ],
)
async def test_servers(
    web: Web, adapter: OpenApiCall, effect: EffectOf, serve: Calls, servers: list[Any], path: str
) -> None:
    web.fallback = answer(200)
    serve(document(servers=servers))
    await adapter.run(effect("getPet", {"id": 1}))
    assert web.asked[-1].path == path


async def test_the_nearest_server_counts(web: Web, adapter: OpenApiCall, effect: EffectOf, serve: Calls) -> None:
    web.fallback = answer(200)
    described = document(servers=[{"url": "/root"}])
    described["paths"]["/pet/{id}"]["servers"] = [{"url": "/item"}]
    serve(described)
    await adapter.run(effect("getPet", {"id": 1}))
    assert web.asked[-1].path == "/item/pet/1"
    described["paths"]["/pet/{id}"]["get"]["servers"] = [{"url": "/operation"}]
    serve(described)
    await adapter.run(effect("getPet", {"id": 1}))
    assert web.asked[-1].path == "/operation/pet/1"


async def test_swagger_servers(web: Web, adapter: OpenApiCall, effect: EffectOf, serve: Calls) -> None:
    web.fallback = answer(200)
    paths = {"/pet": {"get": {"operationId": "it"}}}
    async with Web(on={"/base/pet": answer(200, "other host")}) as other:
        host = other.url.removeprefix("http://")
        serve({"swagger": "2.0", "host": host, "basePath": "/base/", "schemes": ["https", "http"], "paths": paths})
        assert (await adapter.run(effect("it"))).output == "other host"
    serve({"swagger": 2.0, "paths": paths})
    await adapter.run(effect("it"))
    assert web.asked[-1].path == "/pet"


async def test_keys_are_given_like_parameters(asked: Calls) -> None:
    schemes = {
        "a": {"type": "apiKey", "in": "header", "name": "X-Access"},
        "b": {"type": "apiKey", "in": "query", "name": "key"},
        "c": {"type": "apiKey", "in": "cookie", "name": "sid"},
        "d": {"type": "http", "scheme": "bearer"},
    }
    got = await asked(
        {"security": [{"a": [], "b": []}, {"c": []}, {"d": []}]},
        {"X-Access": "s3cret", "key": "k", "sid": "s"},
        components={"securitySchemes": schemes},
    )
    assert (got.header("x-access"), got.target, got.header("cookie")) == ("s3cret", "/x?key=k", "sid=s")


async def test_a_key_is_not_shown(web: Web, adapter: OpenApiCall, effect: EffectOf, serve: Calls) -> None:
    definitions = {"k": {"type": "apiKey", "in": "header", "name": "X-Access"}}
    paths = {"/pet": {"get": {"operationId": "it", "security": [{"k": []}]}}}
    serve({"swagger": "2.0", "paths": paths, "securityDefinitions": definitions})
    web.on["/pet"] = answer(200)
    output = (await adapter.run(effect("it", {"X-Access": "s3cret"}, output="response"))).output
    assert web.asked[-1].header("x-access") == "s3cret"
    assert "s3cret" not in str(output)


async def test_accept_is_what_the_operation_produces(asked: Calls) -> None:
    responses = {
        "200": {"content": {"application/xml": {}, "application/json": {}}},
        "400": {"content": {"text/x": {}}},
    }
    assert (await asked({"responses": responses}, {})).header("accept") == "application/json, application/xml"
    described = [{"name": "Accept", "in": "header"}]
    assert (await asked({"parameters": described}, {"Accept": "text/csv"})).header("accept") == "text/csv"


@pytest.mark.parametrize(
    ("reply", "what"),
    [
        (answer(200, text="a: [b"), "neither JSON nor YAML"),
        (answer(200, text="just text"), "not an object"),
        (answer(200, {"asyncapi": "2.0"}), "neither `openapi` nor `swagger`"),
        (answer(200, {"openapi": "4.0.0"}), "4.0.0"),
        (answer(200, document(paths={})), "no operation 'getPet'; operations are none"),
        (answer(200, document(servers=[{"url": "/{x}"}])), "'x' has no default"),
        (answer(200, document(servers=["/v1"])), "an object was expected"),
        (answer(200, document(servers={"url": "/v1"})), "not described as OpenAPI demands"),
        (
            answer(200, {"swagger": "2.0", "paths": {"/x": {"get": {"operationId": "getPet", "parameters": [{}]}}}}),
            "no name",
        ),
        (
            answer(
                200, document(paths={"/x": {"get": {"operationId": "getPet", "parameters": [{"$ref": "a.yaml#/b"}]}}})
            ),
            "leads out of the document",
        ),
        (
            answer(200, document(paths={"/x": {"get": {"operationId": "getPet", "parameters": [{"$ref": "#/b/c"}]}}})),
            "leads nowhere",
        ),
    ],
)
async def test_documents_that_cannot_be_used(
    web: Web, adapter: OpenApiCall, effect: EffectOf, reply: Answer, what: str
) -> None:
    web.on["/openapi.json"] = reply
    with pytest.raises(Faulted) as caught:
        await adapter.run(effect("getPet", {"id": 1}))
    assert (caught.value.fault.type, caught.value.fault.status) == (PREFIX + "configuration", 400)
    assert what in (caught.value.fault.detail or "")
    assert "/openapi.json" in (caught.value.fault.detail or "")


async def test_a_document_that_is_not_there(adapter: OpenApiCall, effect: EffectOf, serve: Calls) -> None:
    with pytest.raises(Faulted) as caught:
        await adapter.run(effect("getPet"))
    assert (caught.value.fault.type, caught.value.fault.status) == (PREFIX + "communication", 404)
    with pytest.raises(Faulted, match="no endpoint"):
        await adapter.run(effect("getPet", document={}))
    serve(document())
    with pytest.raises(Faulted, match="must be an object"):
        await adapter.run(effect("getPet", [1]))


async def test_a_file_without_a_host(adapter: OpenApiCall, effect: EffectOf, tmp_path: Path) -> None:
    (tmp_path / "three.yaml").write_text(yaml.safe_dump(document()))
    (tmp_path / "two.yaml").write_text(yaml.safe_dump(document(openapi=None, swagger="2.0")))
    for name in ("three.yaml", "two.yaml"):
        wanted = effect("getPet", {"id": 1}, document={"endpoint": name})
        object.__setattr__(wanted, "base_uri", str(tmp_path / "flow.yaml"))
        with pytest.raises(Faulted, match="read from a file"):
            await adapter.run(wanted)


async def test_check(web: Web, adapter: OpenApiCall, serve: Calls) -> None:
    serve(document())

    async def problems(endpoint: Any = f"{web.url}/openapi.json", **arguments: Any) -> list[str]:
        written = {"document": {"endpoint": endpoint}, "operationId": "getPet", **arguments}
        return list(await adapter.check(written, None))

    assert await problems(parameters={"id": "${ .id }"}) == []
    assert await problems(parameters="${ .all }") == []
    assert await problems() == ["/parameters: the required parameter 'id' is missing"]
    assert await problems(parameters={"id": 1, "x": 1}) == ["/parameters: there is no parameter 'x'; it takes id"]
    [unknown] = await problems(operationId="getpet")
    assert unknown.startswith("/operationId: ")
    assert "operations are getPet" in unknown
    [wrong] = await problems(endpoint={"uri": "gopher://x/y"})
    assert wrong.startswith("/document: ")
    asked = len(web.asked)
    assert await problems(endpoint="${ .where }") == []
    assert await problems(endpoint={"uri": f"{web.url}/openapi.json", "authentication": {"use": "mine"}}) == []
    assert await problems(operationId="${ .which }") == []
    assert len(web.asked) == asked
    assert await problems(endpoint="http://127.0.0.1:9/openapi.json") == []
    assert await problems(endpoint=f"{web.url}/gone.json") == []
