"""The application: every resource of the API under its path."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from flowrt.api import (
    control,
    dashboard,
    definitions,
    docs,
    events,
    health,
    instances,
    metrics,
    openapi,
    quarkus,
    schemas,
    starting,
    watching,
)
from flowrt.api.context import Context
from flowrt.api.operation import Operation, routes
from flowrt.api.problems import Problem
from flowrt.api.responses import JsonResponse
from flowrt.assemble import Assembly

TAG = "Description"


async def describe(context: Context, _request: Request) -> Response:
    """The OpenAPI document."""
    return JsonResponse(
        openapi.describe(OPERATIONS, list(context.service.definitions.all()), secured=context.token is not None)
    )


# The first route that matches stands, so what is asked for most comes first.
OPERATIONS: tuple[Operation, ...] = (
    *starting.OPERATIONS,
    *events.OPERATIONS,
    *instances.OPERATIONS,
    *control.OPERATIONS,
    *watching.OPERATIONS,
    *definitions.OPERATIONS,
    *health.OPERATIONS,
    *metrics.OPERATIONS,
    *quarkus.OPERATIONS,
    *dashboard.OPERATIONS,
    Operation(
        "GET",
        "/openapi.json",
        describe,
        TAG,
        "This description",
        {200: ("OpenAPI 3.1", schemas.content({"type": "object"}))},
        works=False,
    ),
    Operation(
        "GET",
        "/docs",
        docs.docs,
        TAG,
        "This description as a page",
        {200: ("HTML", {"text/html": {"type": "string"}})},
        works=False,
    ),
)


async def not_found(scope: Scope, receive: Receive, send: Send) -> None:
    """What has no route."""
    path = scope["path"]
    problem = Problem(404, f"There is nothing at {path[:200]}; /docs lists what there is.")
    await problem.response(path)(scope, receive, send)


def create_app(assembly: Assembly) -> Starlette:
    """The application on the service of an assembly; `state.context` is its `Context`."""
    context = Context(assembly.host, assembly.config.server.max_body, assembly.config.server.token)
    app = Starlette(routes=[*routes(context, OPERATIONS), *routes(context, dashboard.PARTS)])
    app.router.redirect_slashes = False
    app.router.default = not_found
    app.state.context = context
    return app
