"""What definitions refer to outside themselves: catalogs, functions by URI, scripts, schemas; and other languages."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from flowrt import InvalidDefinition, InvalidInput, Runtime
from flowrt.config.model import Catalog, Config

HEAD = "document: {dsl: '1.0.3', namespace: test, name: it, version: '1.0.0'}\n"


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    """A catalog with one function, whose script is a file beside it."""
    folder = tmp_path / "catalog" / "functions" / "greet" / "1.0.0"
    folder.mkdir(parents=True)
    (folder / "function.yaml").write_text(
        "input: {schema: {document: {type: object, required: [who]}}}\n"
        "run: {script: {language: python, source: {endpoint: ./greet.py}, arguments: {who: '${ .who }'}}}\n"
    )
    (folder / "greet.py").write_text("print('hi', who)\n")
    return tmp_path / "catalog"


async def run(text: str, data: Any = None, **options: Any) -> Any:
    async with Runtime(**options) as runtime:
        runtime.deploy(HEAD + text)
        return await (await runtime.start("test:it", data)).result(timeout=20)


async def test_a_function_of_a_catalog(catalog: Path) -> None:
    text = f"""
use: {{catalogs: {{mine: {{endpoint: '{catalog.as_uri()}'}}}}}}
do: [{{greet: {{call: 'greet:1.0.0@mine', with: {{who: Ada}}}}}}]
"""
    assert (await run(text)).output == "hi Ada"


async def test_a_function_of_the_default_catalog(catalog: Path) -> None:
    config = Config(catalog=Catalog(catalog.as_uri()))
    result = await run("do: [{greet: {call: 'greet:1.0.0@default', with: {who: Ada}}}]", config=config)
    assert result.output == "hi Ada"


async def test_a_function_by_its_uri(catalog: Path) -> None:
    uri = f"{catalog.as_uri()}/functions/greet/1.0.0/function.yaml"
    assert (await run(f"do: [{{greet: {{call: '{uri}', with: {{who: Ada}}}}}}]")).output == "hi Ada"


async def test_the_input_of_a_function_is_checked(catalog: Path) -> None:
    uri = f"{catalog.as_uri()}/functions/greet/1.0.0/function.yaml"
    result = await run(f"do: [{{greet: {{call: '{uri}', with: {{whom: Ada}}}}}}]")
    assert result.error["type"].endswith("/validation")
    assert result.error["instance"] == "/do/0/greet"


async def test_a_function_that_cannot_be_had_is_a_fault_when_called() -> None:
    result = await run("do: [{greet: {call: 'greet:1.0.0@nowhere', with: {who: Ada}}}]")
    assert result.status == "faulted"
    assert "greet:1.0.0@nowhere" in result.error["detail"]


async def test_an_instance_goes_on_when_the_catalog_is_gone(catalog: Path, tmp_path: Path) -> None:
    text = f"""{HEAD}
use: {{catalogs: {{mine: {{endpoint: '{catalog.as_uri()}'}}}}}}
do:
- wait: {{listen: {{to: {{one: {{with: {{type: go}}}}}}}}}}
- greet: {{call: 'greet:1.0.0@mine', with: {{who: Ada}}}}
"""
    store = f"file://{tmp_path}/store"
    async with Runtime(store=store) as runtime:
        runtime.deploy(text)
        await runtime.start("test:it", id="one")
    shutil.rmtree(catalog)
    async with Runtime(store=store) as runtime:
        await runtime.publish({"specversion": "1.0", "id": "1", "source": "/t", "type": "go"})
        assert (await runtime.handle("one").result(timeout=20)).output == "hi Ada"


async def test_an_external_schema(tmp_path: Path) -> None:
    schema = tmp_path / "order.json"
    schema.write_text('{"type": "object", "required": ["id"]}')
    text = f"input: {{schema: {{resource: {{endpoint: '{schema.as_uri()}'}}}}}}\ndo: [{{a: {{set: {{ok: true}}}}}}]"
    assert (await run(text, {"id": 1})).output == {"ok": True}
    with pytest.raises(InvalidInput, match="id"):
        await run(text, {})


async def test_a_schema_that_cannot_be_had_is_refused(tmp_path: Path) -> None:
    schema = f"{{resource: {{endpoint: 'file://{tmp_path}/no.json'}}}}"
    text = f"input: {{schema: {schema}}}\ndo: [{{a: {{set: {{ok: true}}}}}}]"
    with pytest.raises(InvalidDefinition, match=r"no\.json"):
        await run(text)


async def test_avro_schemas() -> None:
    text = (
        "input: {schema: {format: avro, document: {type: record, name: r, fields: [{name: id, type: int}]}}}\n"
        "do: [{a: {set: {ok: true}}}]"
    )
    assert (await run(text, {"id": 1})).output == {"ok": True}
    with pytest.raises(InvalidInput):
        await run(text, {"id": "x"})


async def test_xml_schemas() -> None:
    xsd = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="a" type="xs:int"/></xs:schema>'
    text = f"do: [{{a: {{set: '${{ .x }}', output: {{schema: {{format: xml, document: '{xsd}'}}}}}}}}]"
    assert (await run(text, {"x": "<a>1</a>"})).output == "<a>1</a>"
    assert (await run(text, {"x": "<a>one</a>"})).error["type"].endswith("/validation")


async def test_cel_as_the_language_of_a_document() -> None:
    text = """
evaluate: {language: cel}
do:
- double: {set: {n: '${ data.items.map(i, i * 2) }', name: '${ workflow.definition.document.name }'}}
- loop: {for: {each: x, in: data.n}, do: [{add: {set: {s: '${ x + 1 }', n: '${ data.n }'}}}]}
- mixed: {set: {s: '${ jq: .s + 1 }'}}
"""
    assert (await run(text, {"items": [1, 2]})).output == {"s": 6}


async def test_cel_by_its_prefix_and_its_failure() -> None:
    assert (await run("do: [{a: {set: {n: '${ cel: data.n > 1 }'}}}]", {"n": 2})).output == {"n": True}
    assert (await run("do: [{a: {set: {n: '${ cel: data.m.x }'}}}]", {"n": 2})).error["type"].endswith("/expression")


async def test_cel_that_does_not_compile_is_refused() -> None:
    with pytest.raises(InvalidDefinition, match="1 \\+"):
        await run("do: [{a: {set: {n: '${ cel: 1 + }'}}}]")
