"""Watching: the events of one instance as server-sent events, until it has ended.

Every `data` is a CloudEvent: first one that tells the present status, then lifecycle events and what the instance
emits. A client that reads too slowly is cut off, and may connect again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from flowrt.api import parameters, schemas
from flowrt.api.context import Context
from flowrt.api.operation import Operation
from flowrt.core.instance import ENDED
from flowrt.runtime.lifecycle import present_status

Json = Any

PULSE_S = 15.0
"""After this long without an event a comment is sent, so that nobody on the way closes the connection."""
BACKLOG = 10_000
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


async def watch_instance(context: Context, request: Request) -> Response:
    """Follows an instance."""
    id_ = parameters.path_id(request)
    # Watched before it is looked at, so that nothing falls between.
    watch = Watch(context, id_)
    try:
        found = await context.service.get(id_)
        watch.tell(present_status(found, context.service.application))
        watch.begin(found["status"] in (*ENDED, "aside"))
    except BaseException:
        watch.end()
        raise
    return EventStream(watch)


class Watch:
    """What has happened to an instance and was not read yet."""

    def __init__(self, context: Context, id: str) -> None:
        self._context, self._id = context, id
        self._backlog: deque[dict[str, Json]] = deque()
        self._wake = asyncio.Event()
        self._over = False
        self._result: asyncio.Future[Any] | None = None
        self._unwatch = context.service.watch(id, self.tell)
        self._unclose = context.on_close(self.stop)

    def tell(self, event: dict[str, Json]) -> None:
        """Something has happened."""
        self._backlog.append(event)
        self._wake.set()
        if len(self._backlog) > BACKLOG:
            self.stop()

    def begin(self, ended: bool) -> None:
        """From now on the end of the instance ends this, too."""
        if ended:
            return self.stop()
        self._result = asyncio.ensure_future(self._context.service.result(self._id))
        self._result.add_done_callback(self._ended)
        return None

    def stop(self) -> None:
        """Nothing more is to come."""
        self._over = True
        self._wake.set()

    def end(self) -> None:
        """Nobody reads any more."""
        self.stop()
        self._unwatch()
        self._unclose()
        if self._result is not None:
            self._result.cancel()

    def _ended(self, result: asyncio.Future[Any]) -> None:
        if not result.cancelled():
            result.exception()
        self.stop()

    async def messages(self) -> AsyncIterator[bytes]:
        """Messages as server-sent events write them."""
        while True:
            while self._backlog:
                yield _message(self._backlog.popleft())
            if self._over:
                return
            self._wake.clear()
            try:
                async with asyncio.timeout(PULSE_S):
                    await self._wake.wait()
            except TimeoutError:
                yield b": still here\n\n"


class EventStream(Response):
    """Sends what is watched until that ends, or the client goes."""

    def __init__(self, watch: Watch) -> None:
        super().__init__(headers=HEADERS, media_type=schemas.EVENT_STREAM)
        del self.headers["content-length"]
        self._watch = watch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gone = asyncio.ensure_future(self._disconnected(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            async for message in self._watch.messages():
                if gone.done():
                    return
                await send({"type": "http.response.body", "body": message, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            gone.cancel()
            self._watch.end()

    async def _disconnected(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._watch.stop()


def _message(event: dict[str, Json]) -> bytes:
    return b"id: %s\ndata: %s\n\n" % (str(event["id"]).encode(), orjson.dumps(event))


OPERATIONS = (
    Operation(
        "GET",
        "/v1/instances/{id}/events",
        watch_instance,
        "Instances",
        "Follow an instance until it has ended: lifecycle events and what it emits, as server-sent events",
        {
            200: ("A stream of CloudEvents", {schemas.EVENT_STREAM: {"type": "string"}}),
            404: schemas.problem("There is no such instance"),
        },
    ),
)
