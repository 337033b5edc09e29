"""What is known to be wrong with a `call: asyncapi` before it runs, from its definition and its document.

Invariant: what an expression decides is not judged, and a document that cannot be had now may be when the task runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flowrt.core.effect import Json
from flowrt.core.fault import PREFIX, Faulted
from flowrt.effects.auth import policy_problems
from flowrt.effects.described import Documents

from .arguments import Wanted, read_arguments, read_document
from .document import AsyncDocument
from .operation import describe
from .protocols import PROTOCOLS, problem_of
from .servers import choose_server, protocol_of
from .target import find_target

_UNREADABLE = tuple(PREFIX + name for name in ("communication", "authentication", "authorization"))


async def problems_of(
    given: Mapping[str, Any], documents: Documents[AsyncDocument], base_uri: str | None
) -> Sequence[str]:
    """Each begins with the pointer of the argument within `with`, where there is one."""
    problems = [f"/authentication{each}" for each in policy_problems(given.get("authentication"))]
    protocol = given.get("protocol")
    if _is_literal(protocol) and protocol is not None and "server" not in given:
        if (problem := problem_of(str(protocol))) is not None:
            return [*problems, f"/protocol: {problem}"]
    address, policy = read_document(given)
    names = [given.get(name) for name in ("channel", "operation", "server", "protocol")]
    if not isinstance(address, str) or "{" in address or not _is_literal([policy, *names]) or _refers(policy):
        return problems
    try:
        document = await documents.load(address, policy, base_uri)
    except Faulted as error:
        unreadable = error.fault.type in _UNREADABLE
        return problems if unreadable else [*problems, f"/document: {error.fault.detail}"]
    try:
        wanted = read_arguments(given)
        if (problem := _protocol_problem(document, wanted)) is not None:
            return [*problems, problem]
        if _is_literal(given.get("message")):
            find_target(document, wanted)
    except Faulted as error:
        return [*problems, str(error.fault.detail)]
    return problems


def _protocol_problem(document: AsyncDocument, wanted: Wanted) -> str | None:
    """Whether the server that would be used speaks what we speak."""
    described = describe(document, wanted.channel, wanted.operation, wanted.message is not None)
    name = choose_server(document, described, wanted.server, wanted.protocol)
    node = described.servers.get(name) or document.member(document.section("servers"), name)
    protocol, _ = protocol_of(node)
    problem = problem_of(protocol)
    if problem is None and not PROTOCOLS[protocol].headers and (wanted.message or {}).get("headers"):
        return f"/message/headers: {no_headers(protocol)}"
    return problem


def no_headers(protocol: str) -> str:
    """Why a message with headers cannot be sent."""
    return f"call: asyncapi: messages over {protocol} have no headers; put their values into the payload"


def _is_literal(value: Json) -> bool:
    """Whether no expression is anywhere in it."""
    if isinstance(value, Mapping):
        return all(_is_literal(each) for each in value.values())
    if isinstance(value, list):
        return all(_is_literal(each) for each in value)
    return not (isinstance(value, str) and "${" in value)


def _refers(policy: Json) -> bool:
    """Whether a policy is the name of one, or has its values in a secret."""
    if isinstance(policy, Mapping):
        return "use" in policy or any(_refers(each) for each in policy.values() if isinstance(each, Mapping))
    return isinstance(policy, str)
