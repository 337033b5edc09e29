"""Instances: list, get, the completed tasks, delete."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from flowrt.api import parameters, schemas
from flowrt.api.context import Context
from flowrt.api.operation import Operation, Parameter
from flowrt.api.responses import JsonResponse
from flowrt.core.instance import PHASES
from flowrt.runtime.description import describe_task, summarize
from flowrt.stores.protocol import Query

Json = Any
TAG = "Instances"
PAGE, LARGEST_PAGE = 100, 1000

FILTERS = ("status", "namespace", "name", "version", "tag", "since")


async def list_instances(context: Context, request: Request) -> Response:
    """One page, newest start first."""
    parameters.only(request, *FILTERS, "cursor", "limit")
    given = request.query_params
    query = Query(
        status=parameters.one_of("status", given.get("status"), PHASES),
        namespace=given.get("namespace"),
        name=given.get("name"),
        version=given.get("version"),
        tag=parameters.tag(given.get("tag")),
        since=parameters.since(request),
        cursor=given.get("cursor"),
        limit=parameters.limit(request, PAGE, LARGEST_PAGE),
    )
    page = await context.durable(context.service.list(query))
    return JsonResponse({"items": [summarize(entry) for entry in page.items], "next": page.next})


async def get_instance(context: Context, request: Request) -> Response:
    """Everything about an instance."""
    return JsonResponse(await context.durable(context.service.get(parameters.path_id(request))))


async def get_tasks(context: Context, request: Request) -> Response:
    """Its completed tasks, in order."""
    records = await context.durable(context.service.history(parameters.path_id(request)))
    return JsonResponse({"items": [describe_task(record) for record in records]})


async def delete_instance(context: Context, request: Request) -> Response:
    """Removes an ended instance with everything that belongs to it."""
    await context.durable(context.service.delete(parameters.path_id(request)))
    return Response(status_code=204)


_UNKNOWN = {400: schemas.problem("No valid id"), 404: schemas.problem("There is no such instance")}

OPERATIONS = (
    Operation(
        "GET",
        "/v1/instances",
        list_instances,
        TAG,
        "List instances, running or ended, newest first",
        {
            200: ("One page", schemas.content(schemas.page_of("InstanceSummary"))),
            400: schemas.problem("An invalid filter, cursor or limit"),
        },
        (
            Parameter("status", "Only this status", schema={"enum": list(PHASES)}),
            Parameter("namespace", "Only of this namespace"),
            Parameter("name", "Only of this name"),
            Parameter("version", "Only of this version"),
            Parameter("tag", "Only with this tag, `key:value`"),
            Parameter("since", "Started since: a point in time (RFC 3339) or a duration ago, such as `1h`"),
            Parameter("cursor", "`next` of the page before"),
            Parameter(
                "limit", "How many", schema={"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": PAGE}
            ),
        ),
    ),
    Operation(
        "GET",
        "/v1/instances/{id}",
        get_instance,
        TAG,
        "Get an instance: its data, where it stands and what it waits for",
        {200: ("The instance", schemas.content(schemas.ref("Instance"))), **_UNKNOWN},
    ),
    Operation(
        "GET",
        "/v1/instances/{id}/tasks",
        get_tasks,
        TAG,
        "List the completed tasks of an instance, in order",
        {200: ("The tasks", schemas.content(schemas.list_of("Task"))), **_UNKNOWN},
    ),
    Operation(
        "DELETE",
        "/v1/instances/{id}",
        delete_instance,
        TAG,
        "Remove an ended instance",
        {204: ("It is gone", {}), 409: schemas.problem("It has not ended; cancel it first"), **_UNKNOWN},
    ),
)
