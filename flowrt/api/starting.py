"""Starting: one instance or many; answered when the start is durable or, with `wait`, when the instance has ended."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from flowrt.api import parameters, schemas
from flowrt.api.body import read_json
from flowrt.api.context import Context
from flowrt.api.definitions import find
from flowrt.api.operation import Operation, Parameter
from flowrt.api.problems import TYPE, Problem
from flowrt.api.responses import JsonResponse
from flowrt.core.instance import CANCELLED, COMPLETED, RUNNING, Instance

Json = Any
TAG = "Instances"
MOST_STARTS = 1000
ID = "Flowrt-Instance-Id"


async def start_instance(context: Context, request: Request) -> Response:
    """Starts an instance; with `wait` answers with what comes of it."""
    wait_s = parameters.wait_s(request)
    instance = await start(context, request)
    if wait_s is None:
        return accepted(context, instance)
    return answer(context, instance, await ended(context, instance, wait_s))


async def start(context: Context, request: Request) -> Instance:
    """The instance that the request asks for, when its start is durable."""
    definition = find(context, request)
    id_, key = parameters.chosen_id(request), parameters.idempotency_key(request)
    tags = parameters.tags(request)
    data = await read_json(request, context.max_body, {})
    try:
        async with asyncio.timeout(context.durable_s):
            return await context.service.starting.start(definition, data, id_, tags, key)
    except TimeoutError:
        raise context.too_slow() from None


async def ended(context: Context, instance: Instance, wait_s: float) -> Instance | None:
    """The instance once its end is durable; None when the time is up, or the server stops before."""
    if instance.ended and context.service.worker.peek(instance.id) is None:
        return instance
    result = asyncio.ensure_future(context.service.result(instance.id))
    over = asyncio.Event()
    result.add_done_callback(lambda _: over.set())
    stop_listening = context.on_close(over.set)
    try:
        async with asyncio.timeout(wait_s):
            await over.wait()
    except TimeoutError:
        pass
    finally:
        stop_listening()
    if result.done():
        return result.result()
    result.cancel()
    return None


def answer(context: Context, started: Instance, end: Instance | None) -> Response:
    """The bare output, the fault as a problem, or that it has not ended yet."""
    if end is None:
        return accepted(context, started)
    headers = {ID: quote(end.id)}
    if end.status == COMPLETED:
        return JsonResponse(end.output, headers=headers)
    raise failure(end, headers)


def failure(end: Instance, headers: dict[str, str]) -> Problem:
    """What an instance that has not completed is to whoever waits for its output."""
    if end.status == CANCELLED or end.error is None:
        detail = f"The instance {end.id} was cancelled; it has no output."
        return Problem(409, detail, type=f"{TYPE}cancelled", title="Cancelled", headers=headers)
    return Problem.of_fault(end.error, headers)


def accepted(context: Context, instance: Instance, status_code: int = 202) -> Response:
    """That it has started, and where it is to be found."""
    definition = instance.definition
    body = {
        "id": instance.id,
        "status": status(context, instance),
        "namespace": definition.namespace,
        "name": definition.name,
        "version": definition.version,
    }
    id_ = quote(instance.id, safe="")
    return JsonResponse(body, status_code, {"Location": f"/v1/instances/{id_}", ID: id_})


def status(context: Context, instance: Instance) -> str:
    """Its status as far as it is durable: an end that is not yet could be taken back by a crash."""
    durable = not (instance.ended and context.service.worker.committer.is_dirty(instance.id))
    return instance.status if durable else RUNNING


async def start_instances(context: Context, request: Request) -> Response:
    """Starts an instance for each input of an array, all in one commit."""
    definition = find(context, request)
    key, tags = parameters.idempotency_key(request), parameters.tags(request)
    inputs = await read_json(request, context.max_body)
    if not isinstance(inputs, list):
        raise Problem(400, "The body is an array of inputs, one for each instance.")
    if len(inputs) > MOST_STARTS:
        raise Problem(400, f"The body has {len(inputs)} inputs; at most {MOST_STARTS} start at once.")
    return JsonResponse(await context.durable(context.service.starting.start_all(definition, inputs, tags, key)), 202)


_KEY = Parameter("Idempotency-Key", "The same key again gives the first instance", "header")
_TAGS = Parameter("tags", "`k=v,k2=v2`; also as header `Flowrt-Tags`")
ID_AND_TAGS = (Parameter("id", "The instance's id; also as header `Flowrt-Id`"), _TAGS)
_OPTIONS = (
    Parameter("wait", "Answer when the instance has ended, at most after this long: `30s`, `PT30S`, `500ms`, seconds"),
    Parameter("id", "The instance's id; also as header `Flowrt-Id`. An id that exists gives that instance"),
    _TAGS,
    _KEY,
)
_ERRORS = {
    400: schemas.problem("Malformed, or the input breaks the workflow's schema; nothing was started"),
    404: schemas.problem("No such definition is deployed"),
    413: schemas.problem("The body is larger than `server.max-body`"),
    415: schemas.problem("The body is not JSON"),
    503: schemas.problem("The store has not confirmed it; repeat the request"),
}
ANSWERS = {
    202: ("Started, and durable", schemas.content(schemas.ref("Started"))),
    200: ("With `wait`: the output", schemas.content({})),
    409: schemas.problem("With `wait`: the instance was cancelled"),
    **_ERRORS,
}
_IDS = schemas.content({"type": "array", "items": {"type": "string"}})
_INPUTS = schemas.content({"type": "array", "maxItems": MOST_STARTS})

OPERATIONS = tuple(
    operation
    for path in ("/v1/definitions/{namespace}/{name}", "/v1/definitions/{namespace}/{name}/{version}")
    for operation in (
        Operation(
            "POST",
            f"{path}/instances",
            start_instance,
            TAG,
            "Start an instance",
            ANSWERS,
            _OPTIONS,
            schemas.content({}),
        ),
        Operation(
            "POST",
            f"{path}/instances:batch",
            start_instances,
            TAG,
            "Start many instances in one commit",
            {202: ("Their ids, in the order of the inputs", _IDS), **_ERRORS},
            (_TAGS, _KEY),
            _INPUTS,
        ),
    )
)
