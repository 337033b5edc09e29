"""`call: openapi`: an operation of a document as one HTTP request.

Invariant: a document is fetched and kept by `Resources`; parsed again only when it has changed.
Source: dsl-reference.md, "OpenAPI Call".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from flowrt.core.effect import Effect, Json, Outcome
from flowrt.core.fault import PREFIX, Faulted

from ..auth import Authentication, policy_problems
from ..client.decoding import outcome_of
from ..client.faults import misconfigured
from ..client.identity import with_identity
from ..described import Documents
from ..resources import Resources
from .binding import bind, binding_problems
from .document import ApiDocument
from .openapi3 import read_openapi3
from .operation import Operation
from .swagger2 import read_swagger2


class OpenApiCall:
    """The adapter of kind `openapi`.

    Arguments: `{"document": {"endpoint", "authentication"?}, "operationId", "parameters"?, "authentication"?,
    "output"?, "redirect"?}`, all evaluated; `endpoint` is the address, or an object with `uri` and `authentication`.
    """

    kind = "openapi"

    def __init__(self, authentication: Authentication, resources: Resources) -> None:
        self._authentication = authentication
        self._documents = Documents(ApiDocument, resources)

    async def run(self, effect: Effect) -> Outcome:
        """Does it and gives the answer.

        Raises `communication` for an error status or no answer, `validation` for wrong parameters, `configuration` for
        a wrong document or operation, `authentication` for a token that cannot be had.
        """
        arguments = effect.arguments
        address, policy = _document(arguments)
        if not isinstance(address, str):
            raise misconfigured("`document` of the OpenAPI call has no endpoint")
        document = await self._documents.load(address, policy, effect.base_uri, effect)
        operation = read_operation(document, str(arguments.get("operationId")))
        parameters = arguments.get("parameters") or {}
        if not isinstance(parameters, Mapping):
            raise misconfigured("`parameters` of the OpenAPI call must be an object of names and values")
        request = bind(operation, parameters)
        request = replace(request, headers=with_identity(request.headers, effect))
        answered = await self._authentication.send(request, arguments.get("authentication"), effect)
        output = outcome_of(
            answered.request,
            answered.response,
            arguments.get("output"),
            redirect=bool(arguments.get("redirect", False)),
            method=operation.method,
        )
        return Outcome(output, answered.authorization)

    async def check(self, arguments: Json, base_uri: str | None) -> Sequence[str]:
        """Unknown operations and parameters, missing ones: if the document can be read now and is written out."""
        problems = [f"/authentication{each}" for each in policy_problems(arguments.get("authentication"))]
        address, policy = _document(arguments)
        operation_id = arguments.get("operationId")
        if not _is_literal(address) or not _is_literal(operation_id) or not _is_inline(policy):
            return problems
        try:
            document = await self._documents.load(address, policy, base_uri)
        except Faulted as error:
            # A server that is down now may be up when the workflow runs.
            unreachable = error.fault.type in (PREFIX + "communication", PREFIX + "authentication")
            return problems if unreachable else [*problems, f"/document: {error.fault.detail}"]
        try:
            operation = read_operation(document, operation_id)
        except Faulted as error:
            return [*problems, f"/operationId: {error.fault.detail}"]
        parameters = arguments.get("parameters") or {}
        if not isinstance(parameters, Mapping):
            return problems
        return [*problems, *(f"/parameters: {each}" for each in binding_problems(operation, parameters))]

    async def close(self) -> None:
        """Closes the connections, which it shares with others: they connect anew if they still have to."""
        await self._authentication.close()


def read_operation(document: ApiDocument, operation_id: str) -> Operation:
    """Raises `configuration`/400 if there is none of that name, or the document is wrong about it."""
    read = read_swagger2 if document.version == "2.0" else read_openapi3
    try:
        return read(document, operation_id)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        # Documents are written by strangers; checking every member of every node would be a second reader.
        raise document.fault(f"operation {operation_id!r} is not described as OpenAPI demands ({error})") from error


def _document(arguments: Json) -> tuple[Json, Json]:
    document = arguments.get("document") or {}
    endpoint, policy = document.get("endpoint"), document.get("authentication")
    if isinstance(endpoint, Mapping):
        return endpoint.get("uri"), endpoint.get("authentication", policy)
    return endpoint, policy


def _is_literal(value: Json) -> bool:
    return isinstance(value, str) and "${" not in value and "{" not in value


def _is_inline(policy: Json) -> bool:
    """Whether the policy is complete as it is written: no expression, no secret and no name to look up."""
    if isinstance(policy, Mapping):
        return "use" not in policy and all(_is_inline(member) for member in policy.values())
    return not isinstance(policy, str) or "${" not in policy
