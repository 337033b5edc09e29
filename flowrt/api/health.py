"""Health: whether the process is alive, and whether it does its work."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from flowrt.api import schemas
from flowrt.api.context import Context
from flowrt.api.operation import Operation
from flowrt.api.problems import RETRY_AFTER, TYPE, Problem
from flowrt.api.responses import JsonResponse
from flowrt.version import VERSION

TAG = "Health"
CHECK_S = 2.0
"""How long the store may take to say that it is there."""


async def health(_context: Context, _request: Request) -> Response:
    """The process answers."""
    return JsonResponse({"status": "up", "version": VERSION})


async def ready(context: Context, _request: Request) -> Response:
    """The store is reachable, the restore done."""
    reasons = await reasons_against(context)
    if reasons:
        raise Problem(
            503,
            "; ".join(reasons),
            type=f"{TYPE}not-ready",
            title="Not ready",
            headers=RETRY_AFTER,
            members={"reasons": reasons},
        )
    return JsonResponse({"status": "ready", "restored": context.host.restored})


async def reasons_against(context: Context) -> list[str]:
    """Why it is not ready, if so."""
    if context.starting is not None:
        return [context.starting]
    try:
        async with asyncio.timeout(CHECK_S):
            return await context.host.reasons()
    except TimeoutError:
        return [f"the store has not answered within {CHECK_S:g} s"]


OPERATIONS = (
    Operation(
        "GET",
        "/health",
        health,
        TAG,
        "Whether the process is alive",
        {200: ("It is", schemas.content({"type": "object"}))},
        works=False,
        public=True,
    ),
    Operation(
        "GET",
        "/ready",
        ready,
        TAG,
        "Whether the store is reachable and the restore done",
        {
            200: ("It is", schemas.content({"type": "object"})),
            503: schemas.problem("It is not; `reasons` says why"),
        },
        works=False,
        public=True,
    ),
)
