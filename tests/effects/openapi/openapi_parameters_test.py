"""Where parameters go, and in which style."""

from __future__ import annotations

from typing import Any

import pytest

from flowrt.core.fault import PREFIX, Fault, Faulted
from tests.effects.openapi.conftest import Calls

LIST, OBJECT = ["a b", "c"], {"k": "v 1", "n": 2}


def parameter(name: str, place: str, **rest: Any) -> dict[str, Any]:
    return {"name": name, "in": place, "schema": {}, **rest}


@pytest.mark.parametrize(
    ("style", "explode", "value", "path"),
    [
        ("simple", False, "a/b c", "/x/a%2Fb%20c/end"),
        ("simple", False, True, "/x/true/end"),
        ("simple", False, LIST, "/x/a%20b,c/end"),
        ("simple", False, OBJECT, "/x/k,v%201,n,2/end"),
        ("simple", True, OBJECT, "/x/k=v%201,n=2/end"),
        ("label", False, 5, "/x/.5/end"),
        ("label", False, LIST, "/x/.a%20b,c/end"),
        ("label", True, LIST, "/x/.a%20b.c/end"),
        ("label", True, OBJECT, "/x/.k=v%201.n=2/end"),
        ("matrix", False, 5, "/x/;p=5/end"),
        ("matrix", False, LIST, "/x/;p=a%20b,c/end"),
        ("matrix", True, LIST, "/x/;p=a%20b;p=c/end"),
        ("matrix", False, OBJECT, "/x/;p=k,v%201,n,2/end"),
        ("matrix", True, OBJECT, "/x/;k=v%201;n=2/end"),
    ],
)
async def test_path_styles(asked: Calls, style: str, explode: bool, value: object, path: str) -> None:
    described = parameter("p", "path", required=True, style=style, explode=explode)
    got = await asked({"parameters": [described]}, {"p": value}, path="/x/{p}/end")
    assert got.target == path


@pytest.mark.parametrize(
    ("style", "explode", "value", "query"),
    [
        ("form", True, "a&b=c", "p=a%26b%3Dc"),
        ("form", True, 1.5, "p=1.5"),
        ("form", True, LIST, "p=a%20b&p=c"),
        ("form", False, LIST, "p=a%20b,c"),
        ("form", True, OBJECT, "k=v%201&n=2"),
        ("form", False, OBJECT, "p=k,v%201,n,2"),
        ("spaceDelimited", False, LIST, "p=a%20b%20c"),
        ("pipeDelimited", False, LIST, "p=a%20b%7Cc"),
        ("pipeDelimited", True, LIST, "p=a%20b&p=c"),
        ("deepObject", True, {"k": {"j": 1}, "l": [1, 2]}, "p%5Bk%5D%5Bj%5D=1&p%5Bl%5D=1&p%5Bl%5D=2"),
        ("form", True, [], ""),
    ],
)
async def test_query_styles(asked: Calls, style: str, explode: bool, value: object, query: str) -> None:
    got = await asked({"parameters": [parameter("p", "query", style=style, explode=explode)]}, {"p": value})
    assert got.target == (f"/x?{query}" if query else "/x")


async def test_query_defaults_to_exploded_form(asked: Calls) -> None:
    assert (await asked({"parameters": [parameter("p", "query")]}, {"p": LIST})).target == "/x?p=a%20b&p=c"


async def test_reserved_characters_may_stay(asked: Calls) -> None:
    got = await asked({"parameters": [parameter("p", "query", allowReserved=True)]}, {"p": "/a?b:&#c"})
    assert got.target == "/x?p=/a?b:%26%23c"


async def test_parameter_described_by_a_media_type(asked: Calls) -> None:
    described = {"name": "p", "in": "query", "content": {"application/json": {}}}
    assert (await asked({"parameters": [described]}, {"p": {"a": [1]}})).query == [("p", '{"a":[1]}')]


@pytest.mark.parametrize(
    ("explode", "value", "text"),
    [(False, LIST, "a b,c"), (False, OBJECT, "k,v 1,n,2"), (True, OBJECT, "k=v 1,n=2"), (False, 7, "7")],
)
async def test_header_styles(asked: Calls, explode: bool, value: object, text: str) -> None:
    got = await asked({"parameters": [parameter("X-P", "header", explode=explode)]}, {"X-P": value})
    assert got.header("x-p") == text


async def test_cookies(asked: Calls) -> None:
    described = [parameter("a", "cookie"), parameter("b", "cookie", explode=False)]
    got = await asked({"parameters": described}, {"a": "x y", "b": ["1", "2"]})
    assert got.header("cookie") == "a=x%20y; b=1,2"


async def test_path_item_parameters_are_shared_and_overridden(web: Any, adapter: Any, effect: Any, serve: Any) -> None:
    item = {
        "parameters": [parameter("p", "query", required=True), {"$ref": "#/components/parameters/Q"}],
        "get": {"operationId": "it", "parameters": [parameter("p", "query", style="form", explode=False)]},
    }
    components = {"parameters": {"Q": parameter("q", "query")}}
    serve(
        {"openapi": "3.1.0", "paths": {"/x": {"$ref": "#/x-items/x"}}, "x-items": {"x": item}, "components": components}
    )
    web.fallback = web.on["/openapi.json"]
    await adapter.run(effect("it", {"p": [1, 2], "q": 3}))
    assert web.asked[-1].target == "/x?p=1,2&q=3"
    await adapter.run(effect("it"))
    assert web.asked[-1].target == "/x"


@pytest.mark.parametrize(
    ("collection", "target"),
    [
        (None, "/v1/x?p=a%20b,c"),
        ("csv", "/v1/x?p=a%20b,c"),
        ("ssv", "/v1/x?p=a%20b%20c"),
        ("tsv", "/v1/x?p=a%20b%09c"),
        ("pipes", "/v1/x?p=a%20b%7Cc"),
        ("multi", "/v1/x?p=a%20b&p=c"),
    ],
)
async def test_swagger_collections(
    web: Any, adapter: Any, effect: Any, serve: Any, collection: str | None, target: str
) -> None:
    described = {"name": "p", "in": "query", "type": "array"} | ({"collectionFormat": collection} if collection else {})
    paths = {"/x": {"get": {"operationId": "it", "parameters": [described]}}}
    serve({"swagger": "2.0", "basePath": "/v1", "paths": paths})
    web.fallback = web.on["/openapi.json"]
    await adapter.run(effect("it", {"p": LIST}))
    assert web.asked[-1].target == target


async def test_swagger_path_and_header(web: Any, adapter: Any, effect: Any, serve: Any) -> None:
    described = [
        {"name": "id", "in": "path", "required": True, "type": "array"},
        {"name": "X-P", "in": "header", "type": "array"},
    ]
    serve({"swagger": "2.0", "paths": {"/x/{id}": {"get": {"operationId": "it", "parameters": described}}}})
    web.fallback = web.on["/openapi.json"]
    await adapter.run(effect("it", {"id": [1, 2], "X-P": ["a", "b"]}))
    assert (web.asked[-1].target, web.asked[-1].header("x-p")) == ("/x/1,2", "a,b")


async def refusal(asked: Calls, operation: dict[str, Any], parameters: dict[str, Any], **rest: Any) -> Fault:
    with pytest.raises(Faulted) as caught:
        await asked(operation, parameters, **rest)
    return caught.value.fault


async def test_missing_and_unknown_parameters(asked: Calls) -> None:
    described = [parameter("id", "path", required=True), parameter("q", "query", required=True)]
    fault = await refusal(asked, {"parameters": described}, {"id": 1, "q": None, "sort": "a"}, path="/x/{id}")
    assert (fault.type, fault.status) == (PREFIX + "validation", 400)
    assert fault.detail == (
        "OpenAPI operation it: the required parameter 'q' is missing; there is no parameter 'sort'; it takes id, q"
    )


@pytest.mark.parametrize("value", ["", "..", "."])
async def test_a_path_parameter_must_not_change_the_path(asked: Calls, value: str) -> None:
    fault = await refusal(asked, {"parameters": [parameter("id", "path")]}, {"id": value}, path="/x/{id}")
    assert "must not be" in (fault.detail or "")


async def test_a_path_that_names_what_is_not_described(asked: Calls) -> None:
    assert "'id'" in ((await refusal(asked, {}, {}, path="/x/{id}")).detail or "")


async def test_one_name_in_two_places_goes_to_both(asked: Calls) -> None:
    described = [parameter("id", "path"), parameter("id", "query")]
    assert (await asked({"parameters": described}, {"id": 1}, path="/x/{id}")).target == "/x/1?id=1"
