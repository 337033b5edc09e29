"""The arguments of `call: a2a` as values, and what is wrong with them.

Invariants: what is sent fits the protocol's types (version 0.3, whose method names the DSL has); a message sent again
after a crash has the same id.
Source: dsl-reference.md, "A2A Call".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from flowrt.core.effect import Json
from flowrt.core.fault import Fault, Faulted
from flowrt.effects.client.faults import misconfigured

_REQUESTS: dict[str, str | None] = {
    "message/send": "SendMessageRequest",
    "message/stream": "SendStreamingMessageRequest",
    "tasks/get": "GetTaskRequest",
    "tasks/list": None,
    "tasks/cancel": "CancelTaskRequest",
    "tasks/resubscribe": "TaskResubscriptionRequest",
    "tasks/pushNotificationConfig/set": "SetTaskPushNotificationConfigRequest",
    "tasks/pushNotificationConfig/get": "GetTaskPushNotificationConfigRequest",
    "tasks/pushNotificationConfig/list": "ListTaskPushNotificationConfigRequest",
    "tasks/pushNotificationConfig/delete": "DeleteTaskPushNotificationConfigRequest",
    "agent/getAuthenticatedExtendedCard": "GetAuthenticatedExtendedCardRequest",
}
"""The package's type of each method's request; version 0.3 has none for `tasks/list`."""
_SENDING = ("message/send", "message/stream")
STREAMING = ("message/stream", "tasks/resubscribe")
_MOST_SAID = 3


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address, and the policy for it."""

    uri: str
    policy: Json = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to ask, and whom: the agent of the card or, without one, the server."""

    method: str
    parameters: Json = field(repr=False)
    card: Endpoint | None
    server: Endpoint | None

    @property
    def policy(self) -> Json:
        endpoint = self.card or self.server
        return endpoint.policy if endpoint else None


def read_arguments(given: Mapping[str, Any], key: str) -> Wanted:
    """`key` is the effect's, from which a message's id is made.

    Raises `configuration`/400, and `validation`/400 for parameters that do not fit the protocol.
    """
    problem = next(problems_of(given), None)
    if problem is not None:
        pointer, _, what = problem.partition(": ")
        raise misconfigured(f"call: a2a: {pointer[1:].replace('/', '.')}: {what}")
    method = given["method"]
    parameters = _completed(method, given.get("parameters"), str(uuid5(NAMESPACE_OID, key)))
    if said := parameter_problems(method, parameters):
        raise Faulted(Fault.of("validation", f"{method}: {'; '.join(said)}"))
    return Wanted(method, parameters, read_endpoint(given, "agentCard"), read_endpoint(given, "server"))


def problems_of(given: Mapping[str, Any]) -> Iterator[str]:
    """Each begins with the pointer of the argument within `with`. Unevaluated expressions are not judged."""
    method, parameters = given.get("method"), given.get("parameters")
    if not _is_expression(method) and method not in _REQUESTS:
        yield f"/method: {method!r} is unknown; use one of {', '.join(_REQUESTS)}"
    if not _is_expression(parameters) and not isinstance(parameters, Mapping | None):
        yield f"/parameters: they must be an object, not {type(parameters).__name__}"
    endpoints = [name for name in ("agentCard", "server") if read_endpoint(given, name) is not None]
    if not endpoints:
        yield "/agentCard: it or server must say where the agent is"
    if endpoints == ["server"]:
        uri = given["server"].get("uri") if isinstance(given["server"], Mapping) else given["server"]
        if not str(uri).startswith(("http://", "https://", "${", "{")):
            yield "/server: it must be an absolute http or https address"


def checked_parameters(given: Mapping[str, Any]) -> Iterator[str]:
    """Problems with parameters that no expression is in."""
    method, parameters = given.get("method"), given.get("parameters")
    if method in _REQUESTS and _is_literal(parameters) and isinstance(parameters, Mapping | None):
        yield from (f"/{said}" for said in parameter_problems(method, _completed(method, parameters, "id")))


def parameter_problems(method: str, parameters: Json) -> list[str]:
    """What the package says about parameters, the first few places."""
    from a2a.compat.v0_3 import types
    from pydantic import ValidationError

    name = _REQUESTS[method]
    if name is None:
        return []
    request = {"id": 1, "jsonrpc": "2.0", "method": method}
    try:
        getattr(types, name).model_validate(request if parameters is None else {**request, "params": parameters})
    except ValidationError as error:
        places = {"/".join(["parameters", *map(str, each["loc"][1:])]): each["msg"] for each in error.errors()}
        return [f"{place}: {message}" for place, message in list(places.items())[:_MOST_SAID]]
    return []


def read_endpoint(given: Mapping[str, Any], name: str) -> Endpoint | None:
    """`agentCard` is a resource with an endpoint, `server` an endpoint; either may be a bare address."""
    value = given.get(name)
    if name == "agentCard" and isinstance(value, Mapping):
        value = value.get("endpoint")
    if isinstance(value, Mapping):
        uri, policy = value.get("uri"), value.get("authentication")
    else:
        uri, policy = value, None
    return Endpoint(uri, policy) if isinstance(uri, str) and uri else None


def _completed(method: str, parameters: Json, identity: str) -> Json:
    """With the defaults that the specification wants in a message, and its kind, which version 0.3 needs."""
    if method not in _SENDING or not isinstance(parameters, Mapping):
        return parameters
    message = parameters.get("message")
    if not isinstance(message, Mapping):
        return parameters
    defaults = {"kind": "message", "messageId": identity, "role": "user"}
    return {**parameters, "message": {**defaults, **message}}


def _is_expression(value: Json) -> bool:
    return isinstance(value, str) and "${" in value


def _is_literal(value: Json) -> bool:
    if isinstance(value, Mapping):
        return all(map(_is_literal, value.values()))
    if isinstance(value, list):
        return all(map(_is_literal, value))
    return not _is_expression(value)
