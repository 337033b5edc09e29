"""Operation: one method of one path, with what OpenAPI says about it; tables of these are routes and description."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from flowrt.api.context import Context
from flowrt.api.entry import admit
from flowrt.api.problems import Problem, problem_of, unavailable

Json = Any
Handler = Callable[[Context, Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter or header."""

    name: str
    description: str
    place: str = "query"
    schema: Mapping[str, Json] = field(default_factory=lambda: {"type": "string"})


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    handler: Handler
    tag: str
    summary: str
    answers: Mapping[int, tuple[str, Mapping[str, Json]]]
    """Status -> description and, by media type, schema."""
    parameters: Sequence[Parameter] = ()
    body: Mapping[str, Json] = field(default_factory=dict)
    """Schema by media type."""
    works: bool = True
    """Needs the runtime at work; others answer while it starts and stops, too."""
    public: bool = False
    """Needs no token."""


class Resource:
    """The operations of one path as an ASGI application; turns what they raise into problems."""

    def __init__(self, context: Context, operations: Sequence[Operation]) -> None:
        self._context = context
        self._operations = {operation.method: operation for operation in operations}
        if "GET" in self._operations:
            self._operations.setdefault("HEAD", self._operations["GET"])
        self._allow = ", ".join(sorted(self._operations))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        try:
            response = await self._answer(request)
        except ClientDisconnect:
            return
        except Exception as error:  # The outermost edge: whatever went wrong, the client gets a problem.
            response = problem_of(error, scope["path"]).response(scope["path"])
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        operation = self._operations.get(request.method)
        if operation is None:
            detail = f"{request.url.path} knows {self._allow}, not {request.method}."
            raise Problem(405, detail, headers={"Allow": self._allow})
        if self._context.token is not None and not operation.public:
            admit(self._context.token, request.headers)
        if operation.works:
            blocked = self._context.blocked
            if blocked is not None:
                raise unavailable(blocked)
        return await operation.handler(self._context, request)


def routes(context: Context, operations: Sequence[Operation]) -> list[Route]:
    """One route for each path, in the order of the table."""
    paths: dict[str, list[Operation]] = {}
    for operation in operations:
        paths.setdefault(operation.path, []).append(operation)
    return [Route(path, Resource(context, found), name=path) for path, found in paths.items()]
