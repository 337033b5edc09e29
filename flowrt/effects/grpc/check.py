"""What is known to be wrong with a `call: grpc` before it runs, from its definition and a local proto file.

Invariants: nothing is fetched from the web and no server is asked; what an expression decides is not judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from flowrt.core.effect import Json
from flowrt.core.fault import Faulted
from flowrt.effects.auth import policy_problems
from flowrt.effects.grpc.arguments import read_proto
from flowrt.effects.grpc.schemas import Schemas
from flowrt.effects.resources import resolve

_UNREADABLE = ("communication", "authorization")


async def problems_of(given: Mapping[str, Any], schemas: Schemas, base_uri: str | None) -> Sequence[str]:
    """Each begins with the pointer of the argument within `with`."""
    service = given.get("service")
    service = service if isinstance(service, Mapping) else {}
    wrong = [f"/service/authentication{problem}" for problem in policy_problems(service.get("authentication"))]
    name, method = service.get("name"), given.get("method")
    try:
        proto = read_proto(given)
        if proto is None or not _is_local(proto.uri, base_uri):
            return wrong
        schema = await schemas.of_resource(proto.uri, proto.authentication, base_uri)
    except Faulted as error:
        # A file that is not there yet may be when the task runs.
        unreadable = error.fault.type.endswith(_UNREADABLE)
        return wrong if unreadable else [*wrong, f"/proto/endpoint: {error}"]
    if not isinstance(name, str) or not isinstance(method, str) or not _is_literal([name, method]):
        return wrong
    try:
        found = schema.method(name, method)
    except Faulted as error:
        return [*wrong, f"/service/name: {error}" if "service.name" in str(error) else f"/method: {error}"]
    return [*wrong, *(f"/arguments: {problem}" for problem in found.problems(given.get("arguments"), _is_literal))]


def _is_local(uri: str, base_uri: str | None) -> bool:
    if "{" in uri:
        return False
    try:
        return urlsplit(resolve(uri, base_uri)).scheme == "file"
    except Faulted:
        return False


def _is_literal(value: Json) -> bool:
    """Whether no expression is anywhere in it."""
    if isinstance(value, Mapping):
        return all(_is_literal(each) for each in value.values())
    if isinstance(value, list):
        return all(_is_literal(each) for each in value)
    return not (isinstance(value, str) and "${" in value)
