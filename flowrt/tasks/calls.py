"""The calls of the DSL: what their `with` holds. `CALLS` is the table of them.

Each entry reads `with` and gives a template of the evaluated arguments, as the adapter of that kind takes them.
Endpoints become `{"uri", "authentication"}`; authentication policies stand inline.
"""

from __future__ import annotations

from collections.abc import Callable

from flowrt.core.expression import Json, Lookup
from flowrt.core.reader import Reader
from flowrt.core.template import Template, constant
from flowrt.tasks.authentication import read_authentication
from flowrt.tasks.endpoint import read_endpoint

ReadArguments = Callable[[Reader], Template]

ASYNCAPI_PROTOCOLS = (
    "amqp", "amqp1", "anypointmq", "googlepubsub", "http", "ibmmq", "jms", "kafka", "mercure", "mqtt", "mqtt5", "nats",
    "pulsar", "redis", "sns", "solace", "sqs", "stomp", "ws",
)  # fmt: skip
A2A_METHODS = (
    "message/send", "message/stream", "tasks/get", "tasks/list", "tasks/cancel", "tasks/resubscribe",
    "tasks/pushNotificationConfig/set", "tasks/pushNotificationConfig/get", "tasks/pushNotificationConfig/list",
    "tasks/pushNotificationConfig/delete", "agent/getAuthenticatedExtendedCard",
)  # fmt: skip
MCP_METHODS = (
    "tools/list", "tools/call", "prompts/list", "prompts/get", "resources/list", "resources/read",
    "resources/templates/list",
)  # fmt: skip


def members(reader: Reader, special: dict[str, ReadArguments]) -> Template:
    """An object as a template, where some members are read in a way of their own."""
    parts: list[tuple[str, Template]] = []
    for name, member in reader.members():
        parts.append((name, special[name](member) if name in special else member.template()))

    def build(data: Json, lookup: Lookup) -> Json:
        return {name: template(data, lookup) for name, template in parts}

    return build


def _http(reader: Reader) -> Template:
    known = ("method", "endpoint", "headers", "body", "query", "output", "redirect")
    reader.object(known, required=("method", "endpoint"))
    _words(reader, output=("content", "raw", "response"))
    for name in ("headers", "query"):
        if (found := reader.get(name)) is not None and not isinstance(found.value, str):
            found.object()
    if (method := reader.get("method")) is not None:
        method.string()
    if (redirect := reader.get("redirect")) is not None:
        redirect.boolean()
    arguments = members(reader, {"endpoint": read_endpoint})

    def flat(data: Json, lookup: Lookup) -> Json:
        evaluated = arguments(data, lookup)
        endpoint = evaluated.get("endpoint", {"uri": ""})
        flattened = {**evaluated, "endpoint": endpoint["uri"]}
        if endpoint.get("authentication") is not None:
            flattened["authentication"] = endpoint["authentication"]
        return flattened

    return flat


def _openapi(reader: Reader) -> Template:
    known = ("document", "operationId", "parameters", "authentication", "output", "redirect")
    reader.object(known, required=("document", "operationId"))
    _words(reader, output=("content", "raw", "response"))
    return members(reader, {"document": _resource, "authentication": read_authentication})


def _grpc(reader: Reader) -> Template:
    reader.object(("proto", "service", "method", "arguments"), required=("proto", "service", "method"))
    return members(reader, {"proto": _resource, "service": _grpc_service})


def _grpc_service(reader: Reader) -> Template:
    reader.object(("name", "host", "port", "authentication"), required=("name", "host"))
    return members(reader, {"authentication": read_authentication})


def _asyncapi(reader: Reader) -> Template:
    known = ("document", "channel", "operation", "server", "protocol", "message", "subscription", "authentication")
    reader.object(known, required=("document",))
    _one(reader, "channel", "operation")
    _one(reader, "message", "subscription")
    _words(reader, protocol=ASYNCAPI_PROTOCOLS)
    special: dict[str, ReadArguments] = {
        "document": _resource,
        "server": _asyncapi_server,
        "message": _asyncapi_message,
        "subscription": _subscription,
        "authentication": read_authentication,
    }
    return members(reader, special)


def _subscription(reader: Reader) -> Template:
    reader.object()
    return constant(None)  # What stands in it is the task's own: see subscribe.py.


def _asyncapi_server(reader: Reader) -> Template:
    return reader.object(("name", "variables"), required=("name",)).template()


def _asyncapi_message(reader: Reader) -> Template:
    reader.object(("payload", "headers"))
    return reader.template()


def _mcp(reader: Reader) -> Template:
    known = ("protocolVersion", "method", "parameters", "timeout", "transport", "client")
    reader.object(known, required=("method", "transport"))
    _words(reader, method=MCP_METHODS)
    return members(reader, {"transport": _mcp_transport, "timeout": lambda timeout: timeout.duration()})


def _mcp_transport(reader: Reader) -> Template:
    reader.object(("http", "stdio", "options"))
    _one(reader, "http", "stdio")
    return members(reader, {"http": lambda http: members(http.object(("endpoint", "headers"), ("endpoint",)),
                                                         {"endpoint": read_endpoint})})  # fmt: skip


def _a2a(reader: Reader) -> Template:
    reader.object(("agentCard", "server", "method", "parameters"), required=("method",))
    _words(reader, method=A2A_METHODS)
    if reader.get("agentCard") is None and reader.get("server") is None:
        reader.problem("neither 'agentCard' nor 'server' is given", "Add one of them.")
    return members(reader, {"agentCard": _resource, "server": read_endpoint})


def _resource(reader: Reader) -> Template:
    reader.object(("name", "endpoint"), required=("endpoint",))
    return members(reader, {"endpoint": read_endpoint})


def _words(reader: Reader, **allowed: tuple[str, ...]) -> None:
    for name, words in allowed.items():
        if (found := reader.get(name)) is not None:
            found.one_of(*words)


def _one(reader: Reader, *names: str) -> None:
    if sum(reader.get(name) is not None for name in names) != 1:
        reader.problem(f"expected exactly one of {', '.join(names)}")


CALLS: dict[str, ReadArguments] = {
    "http": _http,
    "openapi": _openapi,
    "grpc": _grpc,
    "asyncapi": _asyncapi,
    "mcp": _mcp,
    "a2a": _a2a,
}
