"""Every question the store asks of many instances is answered through an index, as the database's own plan says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import Connection, event

from flowrt.stores.protocol import Batch, Query
from flowrt.stores.sql import SqlStore
from flowrt.testing.contract.records import checkpoint, entry, record
from tests.servers import Server
from tests.stores.sql.contract import execute

_MANY = 4000
_CURSOR = "MTcwMDAwMTAwMC4wIGkwMTAwMA"


@pytest.fixture
async def store(postgres_server: Server) -> AsyncIterator[SqlStore]:
    store = SqlStore.from_url(f"{postgres_server.url}?schema=plans&migrateAtStart=true", "orders")
    await store.open()
    token = await store.acquire("h", 600)
    assert token is not None
    if not (await store.find(Query(limit=1))).items:
        for start in range(0, _MANY, 1000):
            await store.commit(Batch([instance(n) for n in range(start, start + 1000)]), token)
        for table in ("process_instance_entity", "task_info_entity", "instance_tag_entity"):
            await execute(store, f"ANALYZE {{schema}}{table}")
    yield store
    await store.close()


def instance(number: int) -> Any:
    """One of many: two in a hundred have not ended, one in a hundred faulted."""
    status = {0: "running", 1: "waiting", 2: "faulted"}.get(number % 100, "completed")
    found = entry(
        f"i{number:05}",
        status,
        1_700_000_000.0 + number,
        name=f"n{number % 50}",
        tags={"customer": str(number % 200)},
        wake_at=1_800_000_000.0 if status == "waiting" else None,
    )
    history = [("", record(f"/do/{n}/x")) for n in range(5)]
    live = {("/do", 0): ({"sequence": 1}, {"attempt": 0})} if status == "waiting" else {}
    return checkpoint(found, history=history, live=live)


QUESTIONS = {
    "list": lambda store: store.find(Query()),
    "deep page": lambda store: store.find(Query(cursor=_CURSOR)),
    "by status": lambda store: store.find(Query(status="faulted", role=None)),
    "by name": lambda store: store.find(Query(name="n7")),
    "by tag": lambda store: store.find(Query(tag=("customer", "7"))),
    "unfinished": lambda store: store.unfinished("i00100", 100),
    "expired": lambda store: store.expired("faulted", 1_700_000_500.0, 100),
    "load": lambda store: store.load(["i00001", "i00101"]),
    "history": lambda store: store.history("i00001"),
}


@pytest.mark.parametrize("question", QUESTIONS)
async def test_no_table_is_read_whole(store: SqlStore, question: str) -> None:
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    engine: Any = store.database
    event.listen(engine._engine.sync_engine, "before_cursor_execute", note)
    await QUESTIONS[question](store)
    event.remove(engine._engine.sync_engine, "before_cursor_execute", note)
    plans = []
    for statement, parameters in [each for each in asked if each[0].lstrip().startswith("SELECT")]:

        def explain(connection: Connection, statement: str = statement, parameters: Any = parameters) -> str:
            return "\n".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {statement}", parameters))

        plans.append(await store.database.read(explain))
    text = "\n\n".join(plans)
    assert "Index" in text
    for table in ("process_instance_entity", "task_info_entity", "instance_tag_entity"):
        assert f"Seq Scan on {table}" not in text, text
    assert "Sort" not in text or question in ("expired",), text


KEYS = {
    "process_instance_entity_pkey": "SELECT 1 FROM {schema}process_instance_entity WHERE application_id = 'a' "
    "AND instance_id = 'i' FOR UPDATE",
    "task_info_entity_pkey": "SELECT 1 FROM {schema}task_info_entity WHERE application_id = 'a' "
    "AND process_instance_id = 'i' AND json_pointer = '/do/0/x' AND iteration = 0 AND task_type = 1",
    "instance_tag_entity_pkey": "SELECT 1 FROM {schema}instance_tag_entity WHERE application_id = 'a' "
    "AND instance_id = 'i'",
    "seen_event_entity_pkey": "SELECT 1 FROM {schema}seen_event_entity WHERE application_id = 'a' "
    "AND id = 'e' AND source = '/s'",
    "cloud_event_entity_pkey": "DELETE FROM {schema}cloud_event_entity WHERE application_id = 'a' "
    "AND source = '/s' AND id = 'e' AND reg_id = 'r'",
}


@pytest.mark.parametrize("key", KEYS)
async def test_tables_that_nobody_has_analyzed_are_read_by_their_keys(postgres_server: Server, key: str) -> None:
    # All indexes seem equal to the planner then, and what is prepared keeps its plan while the tables grow.
    store = SqlStore.from_url(f"{postgres_server.url}?schema=unanalyzed&migrateAtStart=true", "orders")
    await store.open()

    def explain(connection: Connection) -> str:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        return "\n".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {statement}"))

    statement = KEYS[key].format(schema="unanalyzed.")
    plan = await store.database.read(explain)
    await store.close()
    assert key in plan, plan
