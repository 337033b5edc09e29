"""Problems: every error of the API as RFC 9457 problem details, and which exception becomes which.

A fault of a workflow keeps its own type, title and position; everything else has `about:blank` or a type of ours, and
the request's path as `instance`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from flowrt.api.responses import JsonResponse
from flowrt.compiler import InvalidDefinition
from flowrt.core.fault import Fault
from flowrt.events.cloudevent import InvalidEvent
from flowrt.runtime.definitions import UnknownDefinition
from flowrt.runtime.refusals import Conflict, InvalidInput, UnknownInstance
from flowrt.stores.cursor import InvalidCursor
from flowrt.stores.protocol import StoreUnavailable

log = logging.getLogger("flowrt.api")
Json = Any

TYPE = "urn:flowrt:problem:"
CONTENT_TYPE = "application/problem+json"
RETRY_AFTER = {"Retry-After": "1"}


class Problem(Exception):
    """An answer that is an error: status, what is wrong and what to do, further members and headers."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        type: str = "about:blank",
        title: str | None = None,
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, Json] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = headers
        self.body: dict[str, Json] = {
            "type": type,
            "title": title or HTTPStatus(status).phrase,
            "status": status,
            "detail": detail,
            **(members or {}),
        }

    @classmethod
    def of_fault(cls, fault: Fault, headers: Mapping[str, str] | None = None) -> Problem:
        """A fault as it is; a status that HTTP has no error for is answered as 500."""
        problem = cls(fault.status if 400 <= fault.status <= 599 else 500, "", title=fault.title or "", headers=headers)
        problem.body = fault.to_json()
        return problem

    def response(self, path: str) -> JsonResponse:
        """The answer to a request for `path`."""
        body = self.body if "instance" in self.body else {**self.body, "instance": path}
        return JsonResponse(body, self.status, self.headers, CONTENT_TYPE)


def unavailable(detail: str) -> Problem:
    """Nothing can be promised right now; the same request may be repeated."""
    return Problem(503, detail, type=f"{TYPE}unavailable", headers=RETRY_AFTER)


def _invalid_definition(error: InvalidDefinition) -> Problem:
    count = len(error.problems)
    return Problem(
        400,
        f"{count} problem{'s' if count != 1 else ''}: " + str(error.problems[0] if error.problems else ""),
        type=f"{TYPE}invalid-definition",
        title="Invalid definition",
        members={"problems": [problem.to_json() for problem in error.problems]},
    )


def _invalid_event(error: InvalidEvent) -> Problem:
    return Problem(400, str(error), type=f"{TYPE}invalid-event", title="Invalid CloudEvent")


EXCEPTIONS: dict[type[Exception], Callable[[Any], Problem]] = {
    UnknownDefinition: lambda error: Problem(404, str(error)),
    UnknownInstance: lambda error: Problem(404, str(error)),
    Conflict: lambda error: Problem(409, str(error)),
    InvalidCursor: lambda error: Problem(400, str(error)),
    InvalidInput: lambda error: Problem.of_fault(error.fault),
    InvalidDefinition: _invalid_definition,
    InvalidEvent: _invalid_event,
    StoreUnavailable: lambda error: unavailable(f"the store is not available: {error}"),
}


def problem_of(error: Exception, path: str) -> Problem:
    """The problem that an exception is to a client; an unexpected one is logged and told as 500 without details."""
    if isinstance(error, Problem):
        return error
    for kind, make in EXCEPTIONS.items():
        if isinstance(error, kind):
            return make(error)
    log.error("%s could not be answered", path, exc_info=error)
    return Problem(500, "An unexpected error; the server's log says more.")
