"""Lifecycle events: facts about workflows and tasks as CloudEvents.

Source: dsl-reference.md, "Lifecycle Events". `name` is `<workflow name>-<instance id>.<namespace>`; status words are in
lower case.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from flowrt.core.instance import Fact, Instance
from flowrt.runtime.clock import derived_id, now

Json = Any
PREFIX = "io.serverlessworkflow."
STATUS = {
    "created": "pending",
    "started": "running",
    "resumed": "running",
    "retried": "running",
    "correlation-started": "waiting",
    "correlation-completed": "running",
}
"""Fact -> the status it leads to, where that is another word."""


def lifecycle_events(instance: Instance, facts: list[Fact], source: str) -> Iterator[dict[str, Json]]:
    """The events that tell these facts, in order; each change of status is told a second time on its own."""
    definition = instance.definition
    name = f"{definition.name}-{instance.id}.{definition.namespace}"
    for number, fact in enumerate(facts):
        about: dict[str, Json] = {"workflow": name, "task": fact.position} if fact.position else {"name": name}
        kind = "task" if fact.position else "workflow"
        at = _time(fact.at)
        data = {**about, **_data(instance, fact), f"{_verb(fact.name)}At": at}
        place = (instance.id, str(instance.revision), str(number))
        yield _event(f"{PREFIX}{kind}.{fact.name}.v1", data, at, source, instance.id, place)
        changed = {**about, "updatedAt": at, "status": STATUS.get(fact.name, fact.name)}
        yield _event(f"{PREFIX}{kind}.status-changed.v1", changed, at, source, instance.id, (*place, "status"))


def present_status(description: Mapping[str, Json], application: str) -> dict[str, Json]:
    """The event that tells an instance's status (as described to users) to who did not see it change."""
    id_, at = str(description["id"]), _time(now())
    name = f"{description.get('name')}-{id_}.{description.get('namespace')}"
    data = {"name": name, "updatedAt": at, "status": description["status"]}
    place = (id_, at, "present")
    return _event(f"{PREFIX}workflow.status-changed.v1", data, at, f"/flowrt/{application}", id_, place)


def _data(instance: Instance, fact: Fact) -> dict[str, Json]:
    definition = instance.definition
    if fact.name == "started" and not fact.position:
        reference = {"namespace": definition.namespace, "name": definition.name, "version": definition.version}
        return {"definition": reference}
    if fact.name == "correlation-completed":
        return {"correlationKeys": fact.data["keys"]} if fact.data.get("keys") else {}
    return {key: value for key, value in fact.data.items() if key in ("output", "error")}


def _verb(fact: str) -> str:
    return {"correlation-started": "started", "correlation-completed": "completed"}.get(fact, fact)


def _event(type_: str, data: Json, at: str, source: str, subject: str, place: tuple[str, ...]) -> dict[str, Json]:
    return {
        "specversion": "1.0",
        "id": derived_id(*place),
        "source": source,
        "type": type_,
        "subject": subject,
        "time": at,
        "datacontenttype": "application/json",
        "data": data,
    }


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
