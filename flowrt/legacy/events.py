"""Events: the event definitions of 0.8 as filters to listen with and as events to emit."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from flowrt.legacy.expressions import wrapped
from flowrt.legacy.names import attribute_name, workflow_name
from flowrt.legacy.source import Source

Json = Any


def listening(source: Source, refs: Sequence[str], every: bool, where: str) -> dict[str, Json]:
    """A task that waits for one of these events, or for every one; its output is the array of their envelopes."""
    filters = [_filter(source, ref, where, "$context.correlations") for ref in refs]
    to = {"one": filters[0]} if len(filters) == 1 else {"all" if every else "any": filters}
    return {"listen": {"to": to, "read": "envelope"}}


def starting(source: Source, refs: Sequence[str], every: bool, where: str) -> dict[str, Json]:
    """The `on` of a schedule that starts an instance with one of these events, or with every one."""
    filters = [_filter(source, ref, where, None) for ref in refs]
    return {"one": filters[0]} if len(filters) == 1 else {"all" if every else "any": filters}


def remembering(source: Source, refs: Sequence[str], events: str, where: str) -> dict[str, Json]:
    """The `export` that keeps what correlates later events with these; `events` is the jq of their array."""
    attributes = {
        attribute_name(str(each.get("contextAttributeName")))
        for ref in refs
        for each in _correlations(source.find("events", ref, where))
        if each.get("contextAttributeValue") is None
    }
    if not attributes:
        return {}
    kept = f"{events} | map({{{', '.join(sorted(attributes))}}} | with_entries(select(.value != null))) | add"
    return {"export": {"as": wrapped(f"$context + {{correlations: ($context.correlations + ({kept}))}}")}}


def matching(source: Source, refs: Sequence[str], where: str) -> str:
    """jq on an envelope that is true of these events."""
    tests = []
    for ref in refs:
        event = source.find("events", ref, where)
        pairs = [f".{name} == {json.dumps(event[name])}" for name in ("type", "source") if event.get(name) is not None]
        tests.append(" and ".join(pairs) or "true")
    return " or ".join(dict.fromkeys(tests))


def payload(source: Source, refs: Sequence[str], filter_: Mapping[str, Json] | None, where: str) -> str:
    """jq from an envelope to what the event brings: its data, or all of it where `dataOnly` is false, filtered."""
    whole = [ref for ref in refs if source.find("events", ref, where).get("dataOnly") is False]
    if not whole:
        value = ".data"
    elif len(whole) == len(refs):
        value = "."
    else:
        value = f"(if {matching(source, whole, where)} then . else .data end)"
    wanted = (filter_ or {}).get("data")
    return value if wanted is None else f"{value} | {source.expressions.bare(wanted)}"


def emitting(source: Source, produced: Mapping[str, Json], ref: str, where: str) -> dict[str, Json]:
    """A task that emits an event and outputs its input."""
    event = source.find("events", ref, where)
    attributes: dict[str, Json] = {
        "source": event.get("source") or f"workflow://{source.namespace}/{_own_name(source)}",
        "type": event.get("type") or ref,
    }
    if event.get("source") is None:
        source.notes.add(where, f"the event '{ref}' has no source, which 1.0 wants: it is '{attributes['source']}'")
    for name, value in _context_attributes(produced.get("contextAttributes")):
        attribute = attribute_name(name)
        if attribute != name:
            source.notes.add(where, f"'{name}' is no CloudEvents attribute: it is '{attribute}'")
        attributes[attribute] = source.expressions.value(value)
    if produced.get("data") is not None:
        attributes["data"] = source.expressions.value(produced["data"])
    return {"emit": {"event": {"with": attributes}}, "output": {"as": "${ $task.input }"}}


def _filter(source: Source, ref: str, where: str, known: str | None) -> Json:
    event = source.find("events", ref, where)
    with_ = {name: event[name] for name in ("type", "source") if event.get(name) is not None}
    filter_: dict[str, Json] = {"with": with_}
    if not with_:
        if len(event) > 1:
            source.notes.problem(where, f"the event '{ref}' has neither 'type' nor 'source'")
        filter_["with"] = {"type": ref}
    correlate = {}
    for each in _correlations(event):
        name = attribute_name(str(each.get("contextAttributeName")))
        if each.get("contextAttributeValue") is not None:
            correlate[name] = {"from": wrapped(f".{name}"), "expect": str(each["contextAttributeValue"])}
        elif known is None:
            correlate[name] = {"from": wrapped(f".{name}")}
        else:
            taken = f"{known}.{name}"
            correlate[name] = {"from": wrapped(f".{name} | select({taken} == null or {taken} == .)")}
    return {**filter_, "correlate": correlate} if correlate else filter_


def _correlations(event: Mapping[str, Json]) -> list[Mapping[str, Json]]:
    found = event.get("correlation") or []
    return [found] if isinstance(found, Mapping) else list(found)


def _context_attributes(value: Json) -> list[tuple[str, Json]]:
    if isinstance(value, Mapping):
        return list(value.items())
    return [pair for each in value or () if isinstance(each, Mapping) for pair in each.items()]


def _own_name(source: Source) -> str:
    return workflow_name(str(source.data.get("id") or source.data.get("key")))
