"""`call: http`: one request, and its answer as the task's output.

Invariants: a redirect is never followed; whatever goes wrong is a fault that names the request but none of its secrets.
Source: dsl-reference.md, "HTTP Call".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from flowrt.core.effect import Effect, Json, Outcome

from .auth import Authentication, policy_problems
from .client import Clients, Request
from .client.decoding import outcome_of
from .client.encoding import encode_body, header_pairs, with_query
from .client.faults import misconfigured
from .client.identity import with_identity
from .client.messages import find_header, shown_url

_METHOD = re.compile(r"[A-Za-z-]+")
_VARIABLE = re.compile(r"\{[^{}]*\}")
"""Of a URI template; it may stand for a name as well as for a port."""
_OUTPUTS = ("content", "raw", "response")


class HttpCall:
    """The adapter of kind `http`.

    Arguments: `{"method", "endpoint", "authentication"?, "headers"?, "query"?, "body"?, "output"?, "redirect"?}`, all
    evaluated; `endpoint` is the address, or an object with `uri` and `authentication`.
    """

    kind = "http"

    def __init__(self, clients: Clients, authentication: Authentication) -> None:
        self._clients = clients
        self._authentication = authentication

    async def run(self, effect: Effect) -> Outcome:
        """Raises `communication` for an error status or no answer, `authentication` for a token that cannot be had."""
        arguments = effect.arguments
        address, policy = _endpoint(arguments)
        request = _request(arguments, address, effect)
        answered = await self._authentication.send(request, policy, effect)
        output = outcome_of(
            answered.request,
            answered.response,
            arguments.get("output"),
            redirect=bool(arguments.get("redirect", False)),
            method=arguments["method"],
        )
        return Outcome(output, answered.authorization)

    async def check(self, arguments: Json, base_uri: str | None) -> Sequence[str]:
        """Wrong methods, addresses, outputs and authentication policies that are written out."""
        problems = []
        method, output = arguments.get("method"), arguments.get("output")
        if isinstance(method, str) and "${" not in method and not _METHOD.fullmatch(method):
            problems.append(f"/method: {method!r} is not an HTTP method; write get, post, put, …")
        if isinstance(output, str) and "${" not in output and output not in _OUTPUTS:
            problems.append(f"/output: {output!r} is unknown; use one of {', '.join(_OUTPUTS)}")
        address, policy = _endpoint(arguments)
        if isinstance(address, str) and not _is_open(address) and not _is_http(_VARIABLE.sub("1", address)):
            problems.append(f"/endpoint: {shown_url(address)!r} is not an absolute http or https address")
        return [*problems, *(f"/endpoint/authentication{problem}" for problem in policy_problems(policy))]

    async def close(self) -> None:
        """Closes the connections, which it shares with others: they connect anew if they still have to."""
        await self._clients.close()


def _endpoint(arguments: Json) -> tuple[Json, Json]:
    endpoint, policy = arguments.get("endpoint"), arguments.get("authentication")
    if isinstance(endpoint, Mapping):
        return endpoint.get("uri"), endpoint.get("authentication", policy)
    return endpoint, policy


def _request(arguments: Json, address: Json, effect: Effect) -> Request:
    method = arguments.get("method")
    if not isinstance(method, str) or not _METHOD.fullmatch(method):
        raise misconfigured(f"`method` of the call must be an HTTP method, not {method!r}")
    if not isinstance(address, str) or not _is_http(address):
        shown = shown_url(address) if isinstance(address, str) else type(address).__name__
        raise misconfigured(f"`endpoint` of the call must be an absolute http or https address, not {shown!r}")
    headers = header_pairs(arguments.get("headers"))
    declared = find_header(headers, "content-type")
    body = encode_body(arguments.get("body"), declared)
    if body.content_type is not None and body.content_type != declared:
        headers = (
            *(pair for pair in headers if pair[0].lower() != "content-type"),
            ("Content-Type", body.content_type),
        )
    url = with_query(address, arguments.get("query"))
    return Request(method.upper(), url, with_identity(headers, effect), body.content)


def _is_open(address: str) -> bool:
    """Whether only running it tells what the address is."""
    return "${" in address or address.startswith("{")


def _is_http(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
