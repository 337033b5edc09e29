"""The document around the tasks: who it is, its input, what it uses, when it starts, how long it may take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowrt.core import duration
from flowrt.legacy.authentication import policy
from flowrt.legacy.events import starting
from flowrt.legacy.names import semantic_version, workflow_name
from flowrt.legacy.retries import policies
from flowrt.legacy.source import Source
from flowrt.legacy.states.event import references

Json = Any
DSL = "1.0.3"


def document(source: Source) -> dict[str, Json]:
    """`document`."""
    data, notes = source.data, source.notes
    given = str(data.get("id") or data.get("key"))
    name, version = workflow_name(given), semantic_version(data.get("version"))
    if name != given:
        notes.add("/id", f"a workflow's name has letters, digits and hyphens: '{given}' is '{name}'")
    if data.get("version") is None or semantic_version(str(data["version"])) == "1.0.0" != str(data["version"]):
        if not str(data.get("version", "")).startswith("1"):
            notes.add("/version", f"a version is semantic in 1.0: {data.get('version')!r} is '{version}'")
    found: dict[str, Json] = {"dsl": DSL, "namespace": source.namespace, "name": name, "version": version}
    found |= {to: data[from_] for from_, to in (("name", "title"), ("description", "summary")) if data.get(from_)}
    metadata = dict(data.get("metadata") or {})
    metadata |= {each: data[each] for each in ("annotations", "constants") if data.get(each)}
    return {**found, "metadata": metadata} if metadata else found


def workflow_input(source: Source, by_events: bool) -> dict[str, Json]:
    """`input`: the schema it must fit."""
    schema = source.data.get("dataInputSchema")
    if not schema:
        return {}
    if by_events:
        source.notes.add("/dataInputSchema", "it is not for the events that start the workflow: left out")
        return {}
    if isinstance(schema, Mapping):
        if schema.get("failOnValidationErrors") is False:
            source.notes.add("/dataInputSchema", "1.0 has no validation that does not fail: left out")
            return {}
        schema = schema.get("schema")
    if isinstance(schema, Mapping):
        return {"schema": {"format": "json", "document": schema}}
    uri = str(schema)
    if uri.startswith("file://") and not uri.startswith("file:///"):
        uri = uri.removeprefix("file://")
    return {"schema": {"format": "json", "resource": {"endpoint": uri}}}


def use(source: Source) -> dict[str, Json]:
    """`use`, but for functions."""
    found: dict[str, Json] = {}
    if secrets := source.data.get("secrets"):
        found["secrets"] = list(secrets)
    if authentications := source.section("auth"):
        found["authentications"] = {
            str(each.get("name")): policy(source, each, f"/auth/{at}") for at, each in enumerate(authentications)
        }
    if retries := policies(source):
        found["retries"] = retries
    return found


def schedule(source: Source, start: Mapping[str, Json], where: str) -> dict[str, Json]:
    """`schedule`: of the start definition, or by the events of the state that starts."""
    given = source.data.get("start")
    timing = given.get("schedule") if isinstance(given, Mapping) else None
    if start["type"] == "event":
        if timing is not None:
            source.notes.add(
                "/start/schedule", "the workflow starts with its events; the schedule beside them is left out"
            )
        if start.get("exclusive") is False and source.timeout("eventTimeout", where, start) is not None:
            source.notes.add(where, "events that start a workflow have no timeout in 1.0")
        return {"on": starting(source, references(start), start.get("exclusive") is False, where)}
    if timing is None:
        return {}
    if isinstance(timing, str):
        timing = {"interval": timing}
    if timing.get("timezone") not in (None, "UTC"):
        source.notes.add("/start/schedule/timezone", "set 'schedule.timezone' in the configuration of flowrt instead")
    if (cron := timing.get("cron")) is not None:
        return _cron(source, cron)
    return {"every": _interval(source, str(timing.get("interval")))}


def _cron(source: Source, cron: Json) -> dict[str, Json]:
    expression = cron if isinstance(cron, str) else str(cron.get("expression"))
    if isinstance(cron, Mapping) and cron.get("validUntil"):
        source.notes.add("/start/schedule/cron/validUntil", "a schedule has no end in 1.0: undeploy the workflow then")
    fields = expression.replace("?", "*").split()
    if len(fields) == 7:
        source.notes.add("/start/schedule/cron", "the year of a cron expression has no counterpart")
        fields = fields[:6]
    return {"cron": " ".join(fields)}


def _interval(source: Source, interval: str) -> str:
    parts = interval.split("/")
    times = [part for part in parts if duration.from_iso(part) is not None]
    if not times:
        source.notes.problem("/start/schedule", f"'{interval}' is no repeating interval such as R/PT2H")
        return "PT1H"
    if len(parts) > 2 or parts[0] not in ("R", times[0]):
        source.notes.add("/start/schedule", f"the beginning, end or count of '{interval}' has no counterpart")
    return times[0]
