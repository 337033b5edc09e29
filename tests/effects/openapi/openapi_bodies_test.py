"""Request bodies: as a whole, member by member, as JSON and as forms."""

from __future__ import annotations

from typing import Any

import pytest

from flowrt.core.fault import PREFIX, Faulted
from tests.effects.openapi.conftest import Calls

PET = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "tag": {"type": "string"}}}


def body(schema: dict[str, Any], media_type: str = "application/json", **rest: Any) -> dict[str, Any]:
    return {"requestBody": {"content": {media_type: {"schema": schema}}, **rest}}


async def test_members_of_an_object_body(asked: Calls) -> None:
    described = body(PET) | {"parameters": [{"name": "dry", "in": "query"}]}
    got = await asked(described, {"name": "Milou", "dry": True, "age": 3}, method="post")
    assert (got.target, got.json()) == ("/x?dry=true", {"name": "Milou", "age": 3})
    assert got.header("content-type") == "application/json"


async def test_the_whole_body_by_the_name_body(asked: Calls) -> None:
    assert (await asked(body(PET), {"body": {"name": "Milou"}}, method="post")).json() == {"name": "Milou"}
    assert (await asked(body({"type": "array"}), {"body": [1, None]}, method="post")).json() == [1, None]
    assert (await asked(body({"type": "string"}), {"body": "a"}, method="put")).body == b'"a"'


async def test_a_member_called_body_is_a_member(asked: Calls) -> None:
    schema = {"type": "object", "properties": {"body": {"type": "string"}}}
    assert (await asked(body(schema), {"body": "a"}, method="post")).json() == {"body": "a"}


async def test_members_of_composed_and_recursive_schemas(asked: Calls) -> None:
    node = {
        "allOf": [{"$ref": "#/components/schemas/Named"}, {"$ref": "#/components/schemas/Node"}],
        "additionalProperties": False,
    }
    components = {"schemas": {"Node": node, "Named": {"properties": {"name": {"$ref": "#/components/schemas/Node"}}}}}
    described = body({"$ref": "#/components/schemas/Node"})
    assert (await asked(described, {"name": "a"}, method="post", components=components)).json() == {"name": "a"}
    with pytest.raises(Faulted, match="there is no parameter 'nome'"):
        await asked(described, {"nome": "a"}, method="post", components=components)


async def test_references_that_go_round(asked: Calls) -> None:
    components = {"schemas": {"A": {"$ref": "#/components/schemas/B"}, "B": {"$ref": "#/components/schemas/A"}}}
    with pytest.raises(Faulted, match="round in circles") as caught:
        await asked(body({"$ref": "#/components/schemas/A"}), {}, method="post", components=components)
    assert caught.value.fault.type == PREFIX + "configuration"


@pytest.mark.parametrize(
    ("described", "parameters", "what"),
    [
        (body(PET), {"tag": "a"}, "'name' is missing"),
        (body(PET, required=True), {}, "'name' is missing"),
        (body({"type": "array"}, required=True), {}, "'body' is missing"),
        (body({"type": "array"}), {"name": 1}, "no parameter 'name'"),
        (body(PET), {"body": {}, "more": 1}, "no parameter 'more'"),
        ({}, {"name": 1}, "no parameter 'name'; it takes none"),
    ],
)
async def test_bodies_that_do_not_fit(
    asked: Calls, described: dict[str, Any], parameters: dict[str, Any], what: str
) -> None:
    with pytest.raises(Faulted, match=what) as caught:
        await asked(described, parameters, method="post")
    assert caught.value.fault.type == PREFIX + "validation"


async def test_optional_and_empty_bodies(asked: Calls) -> None:
    got = await asked(body(PET), {}, method="post")
    assert (got.body, got.header("content-type")) == (b"", None)
    free = {"type": "object", "properties": {"id": {"readOnly": True}}, "required": ["id"]}
    assert (await asked(body(free, required=True), {}, method="post")).json() == {}


async def test_urlencoded_form(asked: Calls) -> None:
    content = {
        "application/x-www-form-urlencoded": {
            "schema": {"type": "object", "properties": {"a": {}, "b": {}, "c": {}}},
            "encoding": {"b": {"style": "form", "explode": False}, "c": {"style": "deepObject", "explode": True}},
        }
    }
    described = {"requestBody": {"content": content}}
    got = await asked(described, {"a": ["1", "2"], "b": [1, 2], "c": {"k": "v"}}, method="post")
    assert got.body == b"a=1&a=2&b=1,2&c%5Bk%5D=v"
    assert got.header("content-type") == "application/x-www-form-urlencoded"


async def test_multipart_form(asked: Calls) -> None:
    members = {"file": {"type": "string", "format": "binary"}, "meta": {"type": "object"}, "note": {"type": "string"}}
    schema = {"type": "object", "properties": members}
    values = {"file": "hello", "meta": {"a": 1}, "note": ["x", "y"]}
    got = await asked(body(schema, "multipart/form-data"), values, method="post")
    assert (got.header("content-type") or "").startswith("multipart/form-data; boundary=")
    assert b'name="file"; filename="file"\r\nContent-Type: application/octet-stream\r\n\r\nhello' in got.body
    assert b'name="meta"\r\nContent-Type: application/json\r\n\r\n{"a":1}' in got.body
    assert got.body.count(b'name="note"') == 2


async def test_text_and_other_types(asked: Calls) -> None:
    got = await asked(body({"type": "string"}, "text/plain"), {"body": "a b"}, method="post")
    assert (got.body, got.header("content-type")) == (b"a b", "text/plain")


async def test_json_is_preferred(asked: Calls) -> None:
    content = {"application/xml": {}, "multipart/form-data": {}, "application/vnd.pet+json": {"schema": PET}}
    got = await asked({"requestBody": {"content": content}}, {"name": "a"}, method="post")
    assert got.header("content-type") == "application/vnd.pet+json"
    got = await asked({"requestBody": {"content": {"*/*": {"schema": PET}}}}, {"name": "a"}, method="post")
    assert got.header("content-type") == "application/json"


def swagger(parameters: list[dict[str, Any]], **operation: Any) -> dict[str, Any]:
    described = {"operationId": "it", "parameters": parameters, **operation}
    return {"swagger": "2.0", "paths": {"/x": {"post": described}}, "definitions": {"Pet": PET}}


async def test_swagger_body(web: Any, adapter: Any, effect: Any, serve: Any) -> None:
    pet = {"name": "pet", "in": "body", "required": True, "schema": {"$ref": "#/definitions/Pet"}}
    serve(swagger([pet]))
    web.fallback = web.on["/openapi.json"]
    for parameters in ({"pet": {"name": "a"}}, {"body": {"name": "a"}}, {"name": "a"}):
        await adapter.run(effect("it", parameters))
        assert web.asked[-1].json() == {"name": "a"}
    with pytest.raises(Faulted, match="'name' is missing"):
        await adapter.run(effect("it"))


async def test_swagger_forms(web: Any, adapter: Any, effect: Any, serve: Any) -> None:
    status = {"name": "status", "in": "formData", "type": "string", "required": True}
    tags = {"name": "tags", "in": "formData", "type": "array", "collectionFormat": "multi"}
    serve(swagger([status, tags]))
    web.fallback = web.on["/openapi.json"]
    await adapter.run(effect("it", {"status": "sold", "tags": ["a", "b"]}))
    assert web.asked[-1].body == b"status=sold&tags=a&tags=b"
    with pytest.raises(Faulted, match="'status' is missing"):
        await adapter.run(effect("it", {"tags": []}))
    serve(swagger([{"name": "file", "in": "formData", "type": "file"}, status]))
    await adapter.run(effect("it", {"status": "sold", "file": "hello"}))
    assert b'filename="file"' in web.asked[-1].body
    with pytest.raises(Faulted, match="no parameter 'other'"):
        await adapter.run(effect("it", {"status": "sold", "other": 1}))
