"""Schemas: what the API takes and gives, as JSON Schema; OpenAPI's components."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowrt.core.instance import PHASES

Json = Any

JSON, YAML, PROBLEM, TEXT = "application/json", "application/yaml", "application/problem+json", "text/plain"
EVENT_STREAM = "text/event-stream"

_STRING: Json = {"type": "string"}
_TIME: Json = {"type": ["string", "null"], "format": "date-time"}
_POINTER: Json = {"type": "string", "format": "json-pointer"}


def _object(required: str = "", **properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": required.split()}


def ref(name: str) -> Json:
    """A component by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def page_of(name: str) -> Json:
    """A list of components and the cursor of the next page."""
    return _object("items next", items={"type": "array", "items": ref(name)}, next={"type": ["string", "null"]})


def list_of(name: str) -> Json:
    """A list of components."""
    return _object("items", items={"type": "array", "items": ref(name)})


def content(schema: Json, *kinds: str) -> Mapping[str, Json]:
    """A schema by media type; JSON unless others are named."""
    return dict.fromkeys(kinds or (JSON,), schema)


def problem(description: str) -> tuple[str, Mapping[str, Json]]:
    """An answer that is a problem."""
    return description, content(ref("Problem"), PROBLEM)


_SUMMARY: Json = {
    "id": _STRING,
    "namespace": _STRING,
    "name": _STRING,
    "version": _STRING,
    "status": {"enum": [*PHASES, "aside"]},
    "startedAt": _TIME,
    "endedAt": _TIME,
    "wakeAt": _TIME,
    "tags": {"type": "object", "additionalProperties": _STRING},
    "parent": {"type": ["string", "null"]},
}

COMPONENTS: dict[str, Json] = {
    "Problem": _object(
        "type title status",
        type={"type": "string", "format": "uri-reference"},
        title=_STRING,
        status={"type": "integer"},
        detail=_STRING,
        instance=_STRING,
        problems={"type": "array", "items": {"$ref": "#/components/schemas/DefinitionProblem"}},
        reasons={"type": "array", "items": _STRING},
    ),
    "DefinitionProblem": _object(
        "position message",
        file={"type": ["string", "null"]},
        line={"type": ["integer", "null"]},
        column={"type": ["integer", "null"]},
        position=_POINTER,
        message=_STRING,
        remedy=_STRING,
    ),
    "Definition": _object(
        "namespace name version digest",
        namespace=_STRING,
        name=_STRING,
        version=_STRING,
        digest=_STRING,
        title={"type": ["string", "null"]},
        summary={"type": ["string", "null"]},
        tags={"type": "object"},
    ),
    "Document": {"type": "object", "description": "A workflow of the Serverless Workflow DSL 1.0."},
    "Started": _object(
        "id status namespace name version",
        **{name: _SUMMARY[name] for name in ("id", "status", "namespace", "name", "version")},
    ),
    "InstanceSummary": _object("id status", **_SUMMARY),
    "Instance": _object(
        "id status",
        **_SUMMARY,
        input={},
        context={},
        output={},
        error={"oneOf": [ref("Problem"), {"type": "null"}]},
        standing={"type": "array", "items": ref("Standing")},
        reason={"type": "string", "description": "Why it is set aside."},
    ),
    "Standing": _object(
        "position iteration attempt waitsFor",
        position=_POINTER,
        iteration={"type": "integer"},
        attempt={"type": "integer"},
        waitsFor={"type": "string", "description": "event, time, turn, or the kind of the effect in flight"},
        until=_TIME,
        timeout=_TIME,
    ),
    "Task": _object(
        "position name kind iteration attempt startedAt endedAt",
        position=_POINTER,
        name=_STRING,
        kind=_STRING,
        iteration={"type": "integer"},
        attempt={"type": "integer"},
        startedAt=_TIME,
        endedAt=_TIME,
        output={},
        next={"type": ["string", "null"], "format": "json-pointer"},
        context={},
    ),
    "Status": _object("id status", id=_STRING, status=_SUMMARY["status"]),
    "Batch": _object(
        "action",
        action={"enum": ["suspend", "resume", "cancel", "retry", "delete"]},
        ids={"type": "array", "items": _STRING},
        tag={"type": "string", "description": "key:value"},
        status={"enum": list(PHASES)},
        namespace=_STRING,
        name=_STRING,
    ),
    "BatchResult": _object(
        "id",
        id=_STRING,
        status={"enum": [*PHASES, "deleted"]},
        reason={"type": "string", "description": "Why nothing was done."},
    ),
    "CloudEvent": _object(
        "specversion id source type",
        specversion={"const": "1.0"},
        id=_STRING,
        source={"type": "string", "format": "uri-reference"},
        type=_STRING,
        subject=_STRING,
        time={"type": "string", "format": "date-time"},
        datacontenttype=_STRING,
        dataschema={"type": "string", "format": "uri"},
        data={},
        data_base64={"type": "string", "contentEncoding": "base64"},
    ),
    "Accepted": _object("accepted", accepted={"type": "integer", "description": "How many were not known before."}),
}
