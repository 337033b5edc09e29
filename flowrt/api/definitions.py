"""Definitions: list, get, deploy, delete."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from flowrt.api import schemas
from flowrt.api.body import is_json, media_type, read_body
from flowrt.api.context import Context
from flowrt.api.operation import Operation, Parameter
from flowrt.api.parameters import only
from flowrt.api.problems import Problem
from flowrt.api.responses import JsonResponse
from flowrt.core.definition import WorkflowDefinition

Json = Any
TAG = "Definitions"

YAML_TYPES = ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml", "application/vnd.yaml")
PATH = "/v1/definitions/{namespace}/{name}"


async def list_definitions(context: Context, request: Request) -> Response:
    """Every deployed definition, by namespace, name and version."""
    only(request, "namespace")
    namespace = request.query_params.get("namespace")
    found = context.service.definitions.all()
    return JsonResponse({"items": [summary(each) for each in found if namespace in (None, each.namespace)]})


async def get_definition(context: Context, request: Request) -> Response:
    """The document as JSON, or the text it was deployed as."""
    definition = find(context, request)
    headers = {"Vary": "Accept"}
    if preferred(request.headers.get("accept", "")) == schemas.YAML:
        return Response(definition.source, media_type=schemas.YAML, headers=headers)
    return JsonResponse(definition.document, headers=headers)


async def put_definition(context: Context, request: Request) -> Response:
    """Serves it from now on and after a restart."""
    kind = media_type(request)
    if kind and not is_json(kind) and kind not in (*YAML_TYPES, "text/plain"):
        raise Problem(415, f"The body is '{kind}'; send application/yaml or application/json.")
    content = await read_body(request, context.max_body)
    before = {each.id for each in context.service.definitions.all()}
    definition = await context.durable(context.service.deploy(content, keep=True))
    headers = {"Location": f"/v1/definitions/{definition.namespace}/{definition.name}/{definition.version}"}
    return JsonResponse(summary(definition), 200 if definition.id in before else 201, headers)


async def delete_definition(context: Context, request: Request) -> Response:
    """Serves it no more; what runs goes on."""
    await context.durable(context.service.undeploy(find(context, request)))
    return Response(status_code=204)


def find(context: Context, request: Request) -> WorkflowDefinition:
    """The definition in the path; without a version the highest. Raises `UnknownDefinition`."""
    given = request.path_params
    return context.service.definitions.find(given["namespace"], given["name"], given.get("version"))


def summary(definition: WorkflowDefinition) -> dict[str, Json]:
    """What a list shows of it."""
    document = definition.document.get("document", {})
    return {
        "namespace": definition.namespace,
        "name": definition.name,
        "version": definition.version,
        "digest": definition.digest,
        "title": document.get("title"),
        "summary": document.get("summary"),
        "tags": dict(definition.tags),
    }


def preferred(accept: str) -> str:
    """JSON or YAML, whichever the client prefers. Raises `Problem` 406."""
    best, choice = 0.0, ""
    for part in accept.split(",") if accept.strip() else ("*/*",):
        kind, *options = (piece.strip().lower() for piece in part.split(";"))
        quality = next((_quality(option) for option in options if option.startswith("q=")), 1.0)
        if quality <= best:
            continue
        if kind in ("*/*", "application/*", schemas.JSON):
            best, choice = quality, schemas.JSON
        elif kind in YAML_TYPES or kind == "text/*":
            best, choice = quality, schemas.YAML
    if not choice:
        raise Problem(406, f"A definition is {schemas.JSON} or {schemas.YAML}, not '{accept[:60]}'.")
    return choice


def _quality(option: str) -> float:
    try:
        return float(option[2:])
    except ValueError:
        return 0.0


_UNKNOWN = {404: schemas.problem("No such definition is deployed")}
_GET = {
    200: ("The document", {schemas.JSON: schemas.ref("Document"), schemas.YAML: {"type": "string"}}),
    406: schemas.problem("Neither JSON nor YAML is accepted"),
    **_UNKNOWN,
}
_DEPLOYED = schemas.content(schemas.ref("Definition"))

OPERATIONS = (
    Operation(
        "GET",
        "/v1/definitions",
        list_definitions,
        TAG,
        "List the deployed definitions",
        {200: ("All of them", schemas.content(schemas.list_of("Definition")))},
        (Parameter("namespace", "Only this namespace"),),
    ),
    Operation(
        "PUT",
        "/v1/definitions",
        put_definition,
        TAG,
        "Deploy a definition; it is served after a restart, too",
        {
            201: ("Deployed", _DEPLOYED),
            200: ("Replaced one of the same name and version; what runs keeps the old one", _DEPLOYED),
            400: schemas.problem("Invalid; `problems` lists everything that is wrong, with line and position"),
            415: schemas.problem("Neither YAML nor JSON"),
        },
        body={schemas.YAML: {"type": "string"}, schemas.JSON: schemas.ref("Document")},
    ),
    Operation("GET", PATH, get_definition, TAG, "Get the highest version of a definition", _GET),
    Operation("GET", f"{PATH}/{{version}}", get_definition, TAG, "Get a definition", _GET),
    Operation(
        "DELETE",
        f"{PATH}/{{version}}",
        delete_definition,
        TAG,
        "Serve a definition no more; what runs goes on",
        {204: ("It is served no more", {}), **_UNKNOWN},
    ),
)
