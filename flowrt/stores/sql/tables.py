"""The tables as the statements see them; `db/migration` creates them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Boolean, Column, MetaData, Table
from sqlalchemy.types import TypeEngine

from flowrt.stores.sql.types import BigInteger, Double, Instant, Integer, KeyText, LargeBinary, SmallInteger

_QUOTED = ("time", "output", "error", "context", "input", "value", "role")
"""Columns whose names are words of SQL Server's."""
COMPLETED, RETRIED, LIVE = 1, 2, 3
"""`task_type`: a completed task, a live state after a retry, a live state."""


@dataclass(frozen=True, slots=True)
class Tables:
    """All tables, qualified with a schema or not."""

    instances: Table
    tasks: Table
    earlier: Table
    """Completed records whose place in `tasks` a later attempt has taken."""
    tags: Table
    definitions: Table
    leases: Table
    seen: Table
    events: Table
    """The outbox, in the guide's table of events."""
    parts: Table
    """Values too long for one statement, where a database has such a limit."""


def tables(schema: str | None, dialect: str) -> Tables:
    """The tables of a schema; None: where the connection looks by itself."""
    meta = MetaData(schema=schema, info={"quote": _QUOTED if dialect == "mssql" else ()})
    return Tables(
        instances=_table(meta, "process_instance_entity", _INSTANCE),
        tasks=_table(meta, "task_info_entity", _TASK),
        earlier=_table(meta, "earlier_task_entity", _EARLIER),
        tags=_table(meta, "instance_tag_entity", _TAG),
        definitions=_table(meta, "definition_entity", _DEFINITION),
        leases=_table(meta, "application_lease_entity", _LEASE),
        seen=_table(meta, "seen_event_entity", _SEEN, ("application_id", "id", "source")),
        events=_table(meta, "cloud_event_entity", _EVENT, ("source", "id", "reg_id")),
        parts=_table(meta, "value_part_entity", _PART),
    )


def _table(meta: MetaData, name: str, columns: dict[str, TypeEngine[Any]], key: tuple[str, ...] = ()) -> Table:
    """With its key where rows are put under it, replacing others."""
    named = {"application_id": KeyText(), **columns}
    quote = meta.info["quote"]
    columns_of = (
        Column(each, type_, primary_key=each in key, quote=each in quote or None) for each, type_ in named.items()
    )
    return Table(name, meta, *columns_of)


_INSTANCE: dict[str, TypeEngine[Any]] = {
    "instance_id": KeyText(),
    "workflow_name": KeyText(),
    "workflow_namespace": KeyText(),
    "workflow_version": KeyText(),
    "started_at": Instant(),
    "status": SmallInteger(),
    "digest": KeyText(),
    "role": KeyText(),
    "parent": KeyText(),
    "started_epoch": Double(),
    "ended": SmallInteger(),
    "ended_epoch": Double(),
    "wake_epoch": Double(),
    "token": BigInteger(),
    "revision": BigInteger(),
    "tags": LargeBinary(),
    "subscriptions": LargeBinary(),
    "head": LargeBinary(),
    "input": LargeBinary(),
    "context": LargeBinary(),
    "output": LargeBinary(),
    "error": LargeBinary(),
}
_TASK: dict[str, TypeEngine[Any]] = {
    "process_instance_id": KeyText(),
    "json_pointer": KeyText(),
    "iteration": Integer(),
    "task_type": Integer(),
    "is_end_node": Boolean(),
    "retry_attempt": Integer(),
    "instant": Instant(),
    "next_position": KeyText(),
    "context": LargeBinary(),
    "model": LargeBinary(),
    "full_pointer": LargeBinary(),
    "loop_pointer": KeyText(),
    "sequence": BigInteger(),
    "fixed": LargeBinary(),
    "details": LargeBinary(),
}
_EARLIER: dict[str, TypeEngine[Any]] = {
    "process_instance_id": KeyText(),
    "sequence": BigInteger(),
    "json_pointer": KeyText(),
    "iteration": Integer(),
    "loop_pointer": KeyText(),
    "retry_attempt": Integer(),
    "details": LargeBinary(),
    "context": LargeBinary(),
    "model": LargeBinary(),
}
_TAG: dict[str, TypeEngine[Any]] = {
    "instance_id": KeyText(),
    "name": KeyText(),
    "value": KeyText(),
    "started_epoch": Double(),
}
_DEFINITION: dict[str, TypeEngine[Any]] = {
    "digest": KeyText(),
    "namespace": KeyText(),
    "name": KeyText(),
    "version": KeyText(),
    "deployed": SmallInteger(),
    "source": LargeBinary(),
    "base_uri": LargeBinary(),
}
_LEASE: dict[str, TypeEngine[Any]] = {"holder": KeyText(), "token": BigInteger(), "until_epoch": Double()}
_SEEN: dict[str, TypeEngine[Any]] = {"id": KeyText(), "source": KeyText(), "until_epoch": Double()}
_EVENT: dict[str, TypeEngine[Any]] = {
    "id": KeyText(),
    "reg_id": KeyText(),
    "source": KeyText(),
    "type": KeyText(),
    "subject": KeyText(),
    "data_content_type": KeyText(),
    "data_schema": KeyText(),
    "time": Instant(),
    "data": LargeBinary(),
    "extensions": LargeBinary(),
    "processed_flag": Boolean(),
    "version": SmallInteger(),
    "token": BigInteger(),
    "sequence": BigInteger(),
    "attributes": LargeBinary(),
}
_PART: dict[str, TypeEngine[Any]] = {
    "owner": KeyText(),
    "id": KeyText(),
    "number": Integer(),
    "part": LargeBinary(),
}
