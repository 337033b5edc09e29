"""Control: suspend, resume, cancel, retry; one instance, or many at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from flowrt.api import parameters, schemas
from flowrt.api.body import read_json
from flowrt.api.context import Context
from flowrt.api.operation import Operation
from flowrt.api.problems import Problem
from flowrt.api.responses import JsonResponse
from flowrt.api.starting import ID_AND_TAGS, accepted
from flowrt.core.instance import PHASES
from flowrt.runtime.refusals import Conflict, UnknownInstance
from flowrt.runtime.service import Service
from flowrt.stores.protocol import Query

Json = Any
TAG = "Control"
VERBS = {
    "suspend": "Suspend: what runs finishes, nothing new starts",
    "resume": "Resume: go on from where it was suspended",
    "cancel": "Cancel: interrupt what runs and end",
    "retry": "Retry: run a faulted instance again from the task that failed",
}
ACTIONS = (*VERBS, "delete")
MOST = 1000
"""How many instances one batch concerns."""


def control(verb: str) -> Callable[[Context, Request], Awaitable[Response]]:
    """The handler of a verb; answers when what it did is durable."""

    async def handler(context: Context, request: Request) -> Response:
        id_ = parameters.path_id(request)
        return JsonResponse({"id": id_, "status": await context.durable(context.service.control(id_, verb))})

    return handler


async def fork(context: Context, request: Request) -> Response:
    """Starts a new instance where another one stood; answered when that is durable."""
    order = await read_json(request, context.max_body, {})
    if not isinstance(order, dict) or not order.keys() <= {"from"}:
        raise Problem(400, "The body is an object with 'from', the position of a task, or nothing.")
    position = order.get("from")
    if position is not None and not isinstance(position, str):
        raise Problem(400, "'from' is the position of a task, such as /do/1/charge.")
    id_, tags = parameters.chosen_id(request), parameters.tags(request)
    forked = await context.durable(context.service.starting.fork(parameters.path_id(request), position, id_, tags))
    return accepted(context, forked, 200)


async def control_batch(context: Context, request: Request) -> Response:
    """One action on many instances, given by their ids or by a filter; a result for each."""
    order = await read_json(request, context.max_body)
    if not isinstance(order, dict) or order.get("action") not in ACTIONS:
        raise Problem(400, f"The body is an object with 'action', one of {', '.join(ACTIONS)}.")
    ids, more = await _chosen(context, order)
    results = await context.durable(_all(context.service, order["action"], ids))
    return JsonResponse({"items": results, "more": more})


async def _chosen(context: Context, order: dict[str, Json]) -> tuple[Sequence[str], bool]:
    """The ids that a batch concerns, and whether a filter finds more than one batch takes."""
    unknown = set(order) - {"action", "ids", "tag", "status", "namespace", "name"}
    if unknown:
        raise Problem(400, f"There is no member '{min(unknown)[:40]}' in a batch.")
    ids = order.get("ids")
    filters = {name: order[name] for name in ("tag", "status", "namespace", "name") if name in order}
    if (ids is None) == (not filters):
        raise Problem(400, "Give either 'ids' or a filter: 'tag', 'status', 'namespace', 'name'.")
    if ids is not None:
        if not isinstance(ids, list) or len(ids) > MOST or not all(isinstance(id_, str) for id_ in ids):
            raise Problem(400, f"'ids' is an array of at most {MOST} instance ids.")
        return list(dict.fromkeys(map(parameters.instance_id, ids))), False
    if not all(isinstance(value, str) for value in filters.values()):
        raise Problem(400, f"{', '.join(filters)}: a filter is a string.")
    query = Query(
        status=parameters.one_of("status", filters.get("status"), PHASES),
        namespace=filters.get("namespace"),
        name=filters.get("name"),
        tag=parameters.tag(filters.get("tag")),
        limit=MOST,
    )
    page = await context.durable(context.service.list(query))
    return [entry.id for entry in page.items], page.next is not None


async def _all(service: Service, action: str, ids: Sequence[str]) -> Sequence[Json]:
    # Side by side, so that one commit covers many.
    return await asyncio.gather(*(_one(service, action, id_) for id_ in ids))


async def _one(service: Service, action: str, id_: str) -> Json:
    try:
        if action == "delete":
            await service.delete(id_)
            return {"id": id_, "status": "deleted"}
        return {"id": id_, "status": await service.control(id_, action)}
    except (Conflict, UnknownInstance) as error:
        return {"id": id_, "reason": str(error)}


_ANSWERS = {
    200: ("The new status, durable", schemas.content(schemas.ref("Status"))),
    404: schemas.problem("There is no such instance"),
    409: schemas.problem("Its status does not allow it"),
}
_RESULTS = schemas.list_of("BatchResult")
_RESULTS["properties"]["more"] = {"type": "boolean", "description": "The filter finds more: repeat the request."}

OPERATIONS = (
    *(
        Operation("POST", f"/v1/instances/{{id}}/{verb}", control(verb), TAG, summary, _ANSWERS)
        for verb, summary in VERBS.items()
    ),
    Operation(
        "POST",
        "/v1/instances/{id}/fork",
        fork,
        TAG,
        "Fork: start a new instance where this one stood before a task of the workflow's own list",
        {
            200: ("Started, and durable", schemas.content(schemas.ref("Started"))),
            400: schemas.problem("Malformed"),
            404: schemas.problem("There is no such instance"),
            409: schemas.problem("It has not run that task"),
        },
        ID_AND_TAGS,
        schemas.content({"type": "object", "properties": {"from": {"type": "string"}}}),
    ),
    Operation(
        "POST",
        "/v1/instances:batch",
        control_batch,
        TAG,
        f"One action on at most {MOST} instances, by id or by filter",
        {200: ("A result for each", schemas.content(_RESULTS)), 400: schemas.problem("No valid batch")},
        body=schemas.content(schemas.ref("Batch")),
    ),
)
