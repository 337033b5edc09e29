"""Functions: one call for each type of function. `FUNCTIONS` is the table of them.

A converter gives the task that calls the function on the data it sees; what becomes of the result is the action's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from flowrt.core.template import to_text
from flowrt.legacy.expressions import wrapped
from flowrt.legacy.graphql import query
from flowrt.legacy.source import Source

Json = Any
Convert = Callable[[Source, Mapping[str, Json], Mapping[str, Json], str], dict[str, Json]]

NOT_IMPLEMENTED = "https://serverlessworkflow.io/spec/1.0.0/errors/runtime"
REST = re.compile(r"rest:(\w+):(\S+)")


def call(source: Source, reference: Json, where: str) -> dict[str, Json]:
    """The task that a `functionRef` makes."""
    ref: Mapping[str, Json] = {"refName": reference} if isinstance(reference, str) else reference
    function = source.find("functions", ref.get("refName"), where)
    kind = str(function.get("type") or "rest")
    if kind not in FUNCTIONS:
        source.notes.problem(where, f"'{kind}' is no type of a function; they are {', '.join(FUNCTIONS)}")
        return {"set": "${ . }"}
    task = FUNCTIONS[kind](source, function, ref, where)
    return {**task, "metadata": function["metadata"]} if function.get("metadata") else task


def _rest(source: Source, function: Mapping[str, Json], ref: Mapping[str, Json], where: str) -> dict[str, Json]:
    document, operation = _parts(source, function, where, 2)
    with_: dict[str, Json] = {"document": _document(source, document, function, where), "operationId": operation}
    if ref.get("arguments"):
        with_["parameters"] = source.expressions.value(ref["arguments"])
    return {"call": "openapi", "with": with_}


def _asyncapi(source: Source, function: Mapping[str, Json], ref: Mapping[str, Json], where: str) -> dict[str, Json]:
    document, operation = _parts(source, function, where, 2)
    message = {"payload": source.expressions.value(ref.get("arguments") or {})}
    with_ = {"document": _document(source, document, function, where), "operation": operation, "message": message}
    return {"call": "asyncapi", "with": with_}


def _rpc(source: Source, function: Mapping[str, Json], ref: Mapping[str, Json], where: str) -> dict[str, Json]:
    proto, service, method = _parts(source, function, where, 3)
    known = function.get("metadata") or {}
    if "host" not in known:
        source.notes.add(
            where, f"0.8 does not say where the service '{service}' is: set 'with.service.host' and 'port'"
        )
    at: dict[str, Json] = {"name": service, "host": known.get("host", "localhost")}
    if "port" in known:
        at["port"] = known["port"]
    with_: dict[str, Json] = {"proto": _document(source, proto, function, where), "service": at, "method": method}
    if ref.get("arguments"):
        with_["arguments"] = source.expressions.value(ref["arguments"])
    return {"call": "grpc", "with": with_}


def _graphql(source: Source, function: Mapping[str, Json], ref: Mapping[str, Json], where: str) -> dict[str, Json]:
    endpoint, kind, field = _parts(source, function, where, 3)
    source.notes.add(where, "errors that a GraphQL server reports with status 200 are not raised")
    text = query(source.expressions, kind, field, ref.get("arguments") or {}, str(ref.get("selectionSet") or ""))
    with_ = {"method": "post", "endpoint": _endpoint(source, endpoint, function), "body": {"query": text}}
    return {"call": "http", "with": with_, "output": {"as": "${ .data }"}}


def _odata(source: Source, function: Mapping[str, Json], ref: Mapping[str, Json], where: str) -> dict[str, Json]:
    service, entities = _parts(source, function, where, 2)
    arguments = source.expressions.value(ref.get("arguments") or {})
    options = arguments.get("queryOptions") or {}
    with_: dict[str, Json] = {
        "method": "get",
        "endpoint": _endpoint(source, f"{service}/{entities}{_key(arguments.get('key'))}", function),
    }
    if options:
        with_["query"] = {f"${name.lower()}": to_text(option) for name, option in options.items()}
    return {"call": "http", "with": with_}


def _key(key: Json) -> str:
    return "" if key is None else f"({key})"


def _expression(source: Source, function: Mapping[str, Json], ref: Mapping[str, Json], where: str) -> dict[str, Json]:
    if ref.get("arguments"):
        source.notes.add(where, "an expression function sees the data of its action; its arguments are left out")
    return {"set": wrapped(source.expressions.bare(function.get("operation")))}


def _custom(source: Source, function: Mapping[str, Json], ref: Mapping[str, Json], where: str) -> dict[str, Json]:
    operation, arguments = str(function.get("operation")), source.expressions.value(ref.get("arguments") or {})
    if match := REST.fullmatch(operation):
        with_: dict[str, Json] = {"method": match[1].lower(), "endpoint": _endpoint(source, match[2], function)}
        if arguments:
            query = {name: to_text(argument) for name, argument in arguments.items()}
            with_ |= {"query": query} if with_["method"] == "get" else {"body": arguments}
        return {"call": "http", "with": with_}
    detail = f"The custom function '{function['name']}' ({operation}) has no counterpart in DSL 1.0."
    source.notes.add(where, f"{detail} Running it faults: call a function of yours instead")
    error = {"type": NOT_IMPLEMENTED, "status": 501, "title": "Not converted", "detail": detail}
    return {"raise": {"error": error}}


FUNCTIONS: dict[str, Convert] = {
    "rest": _rest,
    "asyncapi": _asyncapi,
    "rpc": _rpc,
    "graphql": _graphql,
    "odata": _odata,
    "expression": _expression,
    "custom": _custom,
}


def _parts(source: Source, function: Mapping[str, Json], where: str, count: int) -> list[str]:
    """The parts of an operation such as `document#operation`."""
    parts = str(function.get("operation", "")).split("#")
    if "operation" in function and (len(parts) != count or not all(parts)):
        source.notes.problem(
            where,
            f"the operation '{function.get('operation')}' of '{function['name']}' needs {count} parts between '#'",
        )
    return parts if len(parts) == count else [""] * count


def _document(source: Source, uri: str, function: Mapping[str, Json], where: str) -> Json:
    """An external resource; `file://name` without a leading slash is relative in 0.8."""
    if function.get("authRef"):
        source.notes.add(
            where, "in 0.8 'authRef' is for the document alone; add 'with.authentication' if the call needs it"
        )
    if uri.startswith("file://") and not uri.startswith("file:///"):
        uri = uri.removeprefix("file://")
    return {"endpoint": _endpoint(source, uri, function)}


def _endpoint(source: Source, uri: str, function: Mapping[str, Json]) -> Json:
    name = function.get("authRef")
    if name is None:
        return uri
    source.find("auth", name, "/functions")
    return {"uri": uri, "authentication": {"use": name}}
