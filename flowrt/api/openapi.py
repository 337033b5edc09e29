"""OpenAPI 3.1: all operations of the API, and one for each deployed workflow, which carries its input schema."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flowrt.api import schemas
from flowrt.api.operation import Operation, Parameter
from flowrt.api.starting import ANSWERS, TAG
from flowrt.core.definition import WorkflowDefinition
from flowrt.version import VERSION

Json = Any
WORKFLOWS = "Workflows"
_SECURITY = {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}}
_PLACE = re.compile(r"\{(\w+)\}")


def describe(
    operations: Sequence[Operation], definitions: Sequence[WorkflowDefinition], *, secured: bool = False
) -> dict[str, Json]:
    """The document. `secured`: all but what is public asks for a token."""
    paths: dict[str, dict[str, Json]] = {}
    for operation in operations:
        found = paths.setdefault(operation.path, {})
        if not found and (names := _PLACE.findall(operation.path)):
            found["parameters"] = [_path_parameter(name) for name in names]
        found[operation.method.lower()] = _operation(operation)
    starts = {operation.path: operation for operation in operations if operation.tag == TAG}
    start = starts["/v1/definitions/{namespace}/{name}/{version}/instances"]
    for definition in definitions:
        path = f"/v1/definitions/{definition.namespace}/{definition.name}/{definition.version}/instances"
        paths[path] = {"post": _workflow(definition, start.parameters)}
    tags = dict.fromkeys([*(operation.tag for operation in operations), *([WORKFLOWS] if definitions else [])])
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "flowrt",
            "version": VERSION,
            "description": "The durable runtime for the Serverless Workflow DSL. What is acknowledged is durable.",
        },
        "tags": [{"name": tag} for tag in tags],
        "paths": paths,
        "components": {"schemas": schemas.COMPONENTS} | (_SECURITY if secured else {}),
        **({"security": [{"token": []}]} if secured else {}),
    }


def _operation(operation: Operation) -> dict[str, Json]:
    described: dict[str, Json] = {
        "operationId": _word(f"{operation.method.lower()} {operation.path}"),
        "tags": [operation.tag],
        "summary": operation.summary,
        "responses": _responses(operation.answers),
    }
    if operation.parameters:
        described["parameters"] = [_parameter(parameter) for parameter in operation.parameters]
    if operation.public:
        described["security"] = []
    if operation.body:
        described["requestBody"] = {"content": _content(operation.body)}
    return described


def _workflow(definition: WorkflowDefinition, parameters: Sequence[Parameter]) -> dict[str, Json]:
    head: Mapping[str, Json] = definition.document.get("document", {})
    described: dict[str, Json] = {
        "operationId": _word(f"start {definition.namespace} {definition.name} {definition.version}"),
        "tags": [WORKFLOWS],
        "summary": f"Start {definition.id}" + (f": {head['title']}" if head.get("title") else ""),
        "parameters": [_parameter(parameter) for parameter in parameters],
        "requestBody": {
            "required": definition.root.input_schema is not None,
            "content": {schemas.JSON: {"schema": _input_schema(definition)}},
        },
        "responses": _responses(ANSWERS),
    }
    if head.get("summary"):
        described["description"] = head["summary"]
    return described


def _input_schema(definition: WorkflowDefinition) -> Json:
    schema = definition.input_schema
    if not isinstance(schema, dict):
        return {} if schema is None else schema
    # With a base of its own, references inside the schema stay inside it.
    return schema if "$id" in schema else {"$id": f"urn:flowrt:input:{definition.id}", **schema}


def _path_parameter(name: str) -> dict[str, Json]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _parameter(parameter: Parameter) -> dict[str, Json]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.description,
        "schema": dict(parameter.schema),
    }


def _responses(answers: Mapping[int, tuple[str, Mapping[str, Json]]]) -> dict[str, Json]:
    return {str(status): dict(_response(*answer)) for status, answer in sorted(answers.items())}


def _response(description: str, content: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    yield "description", description
    if content:
        yield "content", _content(content)


def _content(schema_by_type: Mapping[str, Json]) -> dict[str, Json]:
    return {kind: {"schema": schema} for kind, schema in schema_by_type.items()}


def _word(text: str) -> str:
    return re.sub(r"\W+", "_", text).strip("_")
