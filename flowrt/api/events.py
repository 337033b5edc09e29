"""Events: CloudEvents come in; they are accepted once they are durable."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from flowrt.api import schemas
from flowrt.api.body import parse_json, read_body
from flowrt.api.context import Context
from flowrt.api.operation import Operation
from flowrt.api.problems import Problem
from flowrt.api.responses import JsonResponse
from flowrt.events.http_binding import BATCH, STRUCTURED, UnknownFormat, read_events

MOST = 1000
"""How many events one batch holds."""


async def post_events(context: Context, request: Request) -> Response:
    """Offers one event or a batch to all that listen."""
    body = await read_body(request, context.max_body)
    try:
        events = read_events(dict(request.headers), body, parse_json)
    except UnknownFormat as error:
        raise Problem(415, str(error)) from None
    except UnicodeDecodeError as error:
        raise Problem(400, f"A ce- header is no UTF-8 once its percent signs are decoded: {error}.") from None
    if len(events) > MOST:
        raise Problem(400, f"The batch has {len(events)} events; at most {MOST} are taken at once.")
    return JsonResponse({"accepted": await context.durable(context.service.publish_all(events))}, 202)


OPERATIONS = (
    Operation(
        "POST",
        "/v1/events",
        post_events,
        "Events",
        "Offer CloudEvents to all that listen, in structured, binary or batch content mode",
        {
            202: (
                "Durable; an event known before (same `source` and `id`) has no second effect",
                schemas.content(schemas.ref("Accepted")),
            ),
            400: schemas.problem("No valid CloudEvent; nothing was stored"),
            415: schemas.problem("In no content mode that is read"),
            503: schemas.problem("The store has not confirmed it; repeat the request"),
        },
        body={
            STRUCTURED: schemas.ref("CloudEvent"),
            BATCH: {"type": "array", "items": schemas.ref("CloudEvent"), "maxItems": MOST},
        },
    ),
)
