"""Externals: the documents that a definition refers to outside itself, found before it is compiled.

Schemas (`schema.resource`), scripts (`run.script.source`), and functions: by URI, or `name:version@catalog` with the
file structure of the specification's catalogs. Source: dsl.md, "Catalogs", "External Resources".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Json = Any
CATALOGED = re.compile(r"([^:@\s]+):([^@\s]+)@([^@\s]+)")
DEFAULT_CATALOG = "default"


@dataclass(frozen=True, slots=True)
class External:
    """A document to fetch, and the authentication policy as it is written (or None)."""

    uri: str
    authentication: Json = None


def externals(data: Json, default_catalog: str | None = None) -> list[External]:
    """What the data of a definition, or of a function, needs; in order of appearance."""
    catalogs = _member(data, "use", "catalogs")
    policies = _member(data, "use", "authentications")
    found = list(_walk(data, catalogs if isinstance(catalogs, dict) else {}, default_catalog))
    resolved = [External(each.uri, _policy(each.authentication, policies)) for each in found]
    return list({each.uri: each for each in resolved}.values())


def function_uri(name: str, catalogs: Mapping[str, Json], default_catalog: str | None) -> External | None:
    """Where the function of a `call` is defined, if it is one by URI or from a catalog."""
    if "://" in name:
        last = name.rpartition("/")[2]
        return External(name if last.endswith((".yaml", ".yml", ".json")) else f"{name.rstrip('/')}/function.yaml")
    match = CATALOGED.fullmatch(name)
    if match is None:
        return None
    function, version, catalog = match.groups()
    endpoint = _member(catalogs.get(catalog), "endpoint")
    if endpoint is None and catalog == DEFAULT_CATALOG:
        endpoint = default_catalog
    located = _endpoint(endpoint)
    if located is None:
        return None
    return External(f"{located.uri.rstrip('/')}/functions/{function}/{version}/function.yaml", located.authentication)


def _walk(value: Json, catalogs: Mapping[str, Json], default_catalog: str | None) -> Iterator[External]:
    if isinstance(value, list):
        for item in value:
            yield from _walk(item, catalogs, default_catalog)
    if not isinstance(value, dict):
        return
    for resource in (_member(value, "schema", "resource"), _member(value, "script", "source")):
        located = _endpoint(_member(resource, "endpoint"))
        if located is not None:
            yield located
    call = value.get("call")
    if isinstance(call, str):
        function = function_uri(call, catalogs, default_catalog)
        if function is not None:
            yield function
    for item in value.values():
        yield from _walk(item, catalogs, default_catalog)


def _endpoint(endpoint: Json) -> External | None:
    uri = endpoint.get("uri") if isinstance(endpoint, dict) else endpoint
    if not isinstance(uri, str) or "${" in uri:
        return None
    return External(uri, endpoint.get("authentication") if isinstance(endpoint, dict) else None)


def _policy(authentication: Json, policies: Json) -> Json:
    name = authentication if isinstance(authentication, str) else _member(authentication, "use")
    return _member(policies, name) if isinstance(name, str) else authentication


def _member(value: Json, *path: str) -> Json:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value
