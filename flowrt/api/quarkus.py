"""Quarkus Flow's paths and bodies, so that clients of its runner work unchanged."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from flowrt.api import parameters, schemas
from flowrt.api.context import Context
from flowrt.api.definitions import get_definition
from flowrt.api.health import reasons_against
from flowrt.api.operation import Operation, Parameter
from flowrt.api.responses import JsonResponse
from flowrt.api.starting import ANSWERS, ended, failure, start, status
from flowrt.core.definition import WorkflowDefinition
from flowrt.core.instance import COMPLETED, Instance
from flowrt.runtime.description import iso
from flowrt.runtime.refusals import Conflict

Json = Any
TAG = "Quarkus Flow"
LONGEST_WAIT_S = 3600.0


async def execute(context: Context, request: Request) -> Response:
    """Starts an instance; with `wait=true` answers when it has ended."""
    wait = parameters.one_of("wait", request.query_params.get("wait", "false").lower(), ("true", "false"))
    instance = await start(context, request)
    if wait == "false":
        return JsonResponse(execution(context, instance), 202)
    end = await ended(context, instance, LONGEST_WAIT_S)
    if end is None:
        return JsonResponse(execution(context, instance), 202)
    if end.status != COMPLETED:
        raise failure(end, {})
    output = end.output if isinstance(end.output, dict) else {"response": end.output}
    return JsonResponse(execution(context, end) | {"workflowOutput": output})


def execution(context: Context, instance: Instance) -> dict[str, Json]:
    """What the runner tells of an instance; without `wait` the output is never part of it."""
    return {
        "workflowApplicationId": context.service.application,
        "instanceId": instance.id,
        "status": status(context, instance).upper(),
        "startedAt": iso(instance.started_at or None),
        "completedAt": iso(instance.ended_at),
        "workflowOutput": None,
    }


def control(verb: str) -> Callable[[Context, Request], Awaitable[Response]]:
    """The handler of a verb; 304 when the status does not allow it."""

    async def handler(context: Context, request: Request) -> Response:
        try:
            await context.durable(context.service.control(parameters.path_id(request), verb))
        except Conflict:
            return Response(status_code=304)
        return Response()

    return handler


async def list_definitions(context: Context, request: Request) -> Response:
    """What every deployed definition is, and where."""
    namespace = request.query_params.get("namespace")
    found = context.service.definitions.all()
    return JsonResponse([header(each) for each in found if namespace in (None, each.namespace)])


def header(definition: WorkflowDefinition) -> dict[str, Json]:
    """What the runner's list shows of a definition."""
    document: Mapping[str, Json] = definition.document.get("document", {})
    given = definition.document.get("input", {})
    place = f"{definition.namespace}/{definition.name}/{definition.version}"
    return {
        "namespace": definition.namespace,
        "name": definition.name,
        "version": definition.version,
        "dsl": document.get("dsl"),
        "title": document.get("title"),
        "summary": document.get("summary"),
        "metadata": document.get("metadata", {}),
        "inputSchema": given.get("schema") if isinstance(given, dict) else None,
        "links": {"self": {"href": f"/q/flow/definitions/{place}"}, "execute": {"href": f"/q/flow/exec/{place}"}},
    }


async def live(_context: Context, _request: Request) -> Response:
    """MicroProfile Health: the process answers."""
    return JsonResponse({"status": "UP", "checks": []})


async def ready(context: Context, _request: Request) -> Response:
    """MicroProfile Health: whether it does its work."""
    reasons = await reasons_against(context)
    word = "DOWN" if reasons else "UP"
    data = {"data": {"reasons": "; ".join(reasons)}} if reasons else {}
    body = {"status": word, "checks": [{"name": "flowrt", "status": word, **data}]}
    return JsonResponse(body, 503 if reasons else 200)


_HEALTH = {200: ("UP", schemas.content({"type": "object"})), 503: ("DOWN", schemas.content({"type": "object"}))}
_CONTROLLED = {
    200: ("Done, and durable", {}),
    304: ("Its status does not allow it", {}),
    404: schemas.problem("There is no such instance"),
}
_DEFINITION = {200: ("The document", schemas.content(schemas.ref("Document"))), 404: schemas.problem("Unknown")}
_EXECUTED = ANSWERS | {
    200: ("With `wait=true`: it has completed", schemas.content({"type": "object"})),
    202: ("Started, and durable", schemas.content({"type": "object"})),
}
_WAIT = (Parameter("wait", "Whether to answer when it has ended", schema={"type": "boolean", "default": False}),)

OPERATIONS = (
    Operation("POST", "/q/flow/exec/suspend/{id}", control("suspend"), TAG, "Suspend an instance", _CONTROLLED),
    Operation("POST", "/q/flow/exec/resume/{id}", control("resume"), TAG, "Resume an instance", _CONTROLLED),
    Operation("DELETE", "/q/flow/exec/{id}", control("cancel"), TAG, "Cancel an instance", _CONTROLLED),
    *(
        operation
        for version in ("", "/{version}")
        for operation in (
            Operation(
                "POST",
                f"/q/flow/exec/{{namespace}}/{{name}}{version}",
                execute,
                TAG,
                "Execute a workflow",
                _EXECUTED,
                _WAIT,
                schemas.content({}),
            ),
            Operation(
                "GET",
                f"/q/flow/definitions/{{namespace}}/{{name}}{version}",
                get_definition,
                TAG,
                "Get a definition",
                _DEFINITION,
            ),
        )
    ),
    Operation(
        "GET",
        "/q/flow/definitions",
        list_definitions,
        TAG,
        "List the deployed definitions",
        {200: ("All of them", schemas.content({"type": "array"}))},
        (Parameter("namespace", "Only this namespace"),),
    ),
    *(
        Operation("GET", f"/q/health{path}", handler, TAG, "MicroProfile Health", _HEALTH, works=False, public=True)
        for path, handler in (("", ready), ("/live", live), ("/ready", ready), ("/started", ready))
    ),
)
