"""The arguments of `call: mcp` as values, and what is wrong with them.

Invariant: what cannot be asked is refused here, with the name of the argument.
Source: dsl-reference.md, "MCP Call".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from flowrt.core.duration import from_json
from flowrt.core.effect import Json
from flowrt.effects.client.faults import misconfigured
from flowrt.effects.client.settings import default_user_agent

DEFAULT_VERSION = "2025-06-18"
LISTED = {
    "tools/list": "tools",
    "prompts/list": "prompts",
    "resources/list": "resources",
    "resources/templates/list": "resourceTemplates",
}
"""The methods whose result comes in pages, and the member that holds the items."""
NEEDED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
"""The other methods, and the parameter that none of them can do without."""


@dataclass(frozen=True, slots=True)
class Stdio:
    """A server to start as a process."""

    command: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)

    @property
    def shown(self) -> str:
        return self.command


@dataclass(frozen=True, slots=True)
class Http:
    """A server to reach by streamable HTTP."""

    url: str
    policy: Json = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)

    @property
    def shown(self) -> str:
        from flowrt.effects.client.messages import shown_url

        return shown_url(self.url)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to ask, whom, and for how long."""

    method: str
    parameters: Mapping[str, Json] = field(repr=False)
    transport: Stdio | Http
    version: str
    timeout_s: float | None
    client: tuple[str, str]
    """Name and version."""

    @property
    def shown(self) -> str:
        return f"mcp {self.method} at {self.transport.shown}"


def read_arguments(given: Mapping[str, Any]) -> Wanted:
    """Raises `configuration`/400."""
    problem = next(problems_of(given), None)
    if problem is not None:
        pointer, _, what = problem.partition(": ")
        raise misconfigured(f"call: mcp: {pointer[1:].replace('/', '.')}: {what}")
    client = given.get("client") or {}
    name, _, version = default_user_agent().partition("/")
    return Wanted(
        given["method"],
        given.get("parameters") or {},
        _transport(given["transport"]),
        given.get("protocolVersion") or DEFAULT_VERSION,
        _seconds(given.get("timeout")),
        (client.get("name", name), client.get("version", version or "0")),
    )


def problems_of(given: Mapping[str, Any]) -> Iterator[str]:
    """Each begins with the pointer of the argument within `with`. Unevaluated expressions are not judged."""
    method, parameters, timeout = given.get("method"), given.get("parameters"), given.get("timeout")
    if not _is_expression(method) and method not in LISTED and method not in NEEDED:
        yield f"/method: {method!r} is unknown; use one of {', '.join(sorted((*LISTED, *NEEDED)))}"
    if not _is_expression(parameters):
        if parameters is not None and not isinstance(parameters, Mapping):
            yield f"/parameters: they must be an object, not {type(parameters).__name__}"
        elif (needed := NEEDED.get(str(method))) and not (parameters or {}).get(needed):
            yield f"/parameters/{needed}: it is missing; {method} needs it"
    if timeout is not None and not _is_dynamic(timeout) and _seconds(timeout) is None:
        yield f"/timeout: {timeout!r} is no duration; write PT10S or {{seconds: 10}}"
    yield from _transport_problems(given.get("transport"))


def _transport_problems(transport: Json) -> Iterator[str]:
    kinds = [kind for kind in ("http", "stdio") if isinstance(transport, Mapping) and kind in transport]
    if len(kinds) != 1:
        yield "/transport: it must have exactly one of http and stdio"
        return
    settings = transport[kinds[0]]
    if kinds[0] == "stdio":
        if not isinstance(settings, Mapping) or not settings.get("command"):
            yield "/transport/stdio/command: it is missing; give the program that is the server"
        return
    url = _endpoint(settings)[0] if isinstance(settings, Mapping) else None
    if not isinstance(url, str) or not url.startswith(("http://", "https://", "${", "{")):
        yield "/transport/http/endpoint: it must be an absolute http or https address"


def endpoint_policy(given: Mapping[str, Any]) -> Json:
    """The authentication policy of the http endpoint, if any."""
    transport = given.get("transport")
    settings = transport.get("http") if isinstance(transport, Mapping) else None
    return _endpoint(settings)[1] if isinstance(settings, Mapping) else None


def program_of(given: Mapping[str, Any]) -> tuple[str | None, Json] | None:
    """The program that would be started and its variables; without a program where an expression names it."""
    transport = given.get("transport")
    stdio = transport.get("stdio") if isinstance(transport, Mapping) else None
    if not isinstance(stdio, Mapping) or not stdio.get("command"):
        return None
    command = stdio["command"]
    return (None if _is_expression(command) else _text(command)), stdio.get("environment")


def _transport(transport: Mapping[str, Any]) -> Stdio | Http:
    if "stdio" in transport:
        stdio = transport["stdio"]
        environment = {name: _text(value) for name, value in (stdio.get("environment") or {}).items()}
        return Stdio(_text(stdio["command"]), tuple(map(_text, stdio.get("arguments") or ())), environment)
    http = transport["http"]
    url, policy = _endpoint(http)
    return Http(url, policy, {name: _text(value) for name, value in (http.get("headers") or {}).items()})


def _endpoint(settings: Mapping[str, Any]) -> tuple[Json, Json]:
    endpoint = settings.get("endpoint")
    if isinstance(endpoint, Mapping):
        return endpoint.get("uri"), endpoint.get("authentication")
    return endpoint, None


def _seconds(timeout: Json) -> float | None:
    """A duration, as the DSL writes it or already as seconds."""
    if isinstance(timeout, int | float) and not isinstance(timeout, bool):
        return float(timeout)
    return from_json(timeout)


def _text(value: Json) -> str:
    """YAML reads `8080` and `true` as no strings, but a command line and a header have nothing else."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_expression(value: Json) -> bool:
    return isinstance(value, str) and "${" in value


def _is_dynamic(value: Json) -> bool:
    return _is_expression(value) or (isinstance(value, Mapping) and any(map(_is_expression, value.values())))
