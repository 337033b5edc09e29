"""gRPC status codes as faults, with the HTTP status that means the same.

Source: google/rpc/code.proto, which gives the HTTP mapping of each code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowrt.core.fault import Fault

if TYPE_CHECKING:
    from grpc.aio import AioRpcError

HTTP_STATUS = {
    "CANCELLED": 499,
    "UNKNOWN": 500,
    "INVALID_ARGUMENT": 400,
    "DEADLINE_EXCEEDED": 504,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "PERMISSION_DENIED": 403,
    "UNAUTHENTICATED": 401,
    "RESOURCE_EXHAUSTED": 429,
    "FAILED_PRECONDITION": 400,
    "ABORTED": 409,
    "OUT_OF_RANGE": 400,
    "UNIMPLEMENTED": 501,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DATA_LOSS": 500,
}
_TYPES = {"UNAUTHENTICATED": "authentication", "PERMISSION_DENIED": "authorization"}


def fault_of(error: AioRpcError, method: str, target: str) -> Fault:
    """The fault of a call that ended with a status other than OK."""
    code = error.code().name
    said = error.details()
    detail = f"{method} at {target}: {code}" + (f": {said}" if said else "")
    title = code.replace("_", " ").title()
    return Fault.of(_TYPES.get(code, "communication"), detail, status=HTTP_STATUS.get(code, 500), title=title)
