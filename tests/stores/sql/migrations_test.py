"""Migrations: once each, under a lock, in Flyway's records; interrupted ones repeated; old code on the new schema."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from flowrt.stores import migrations
from flowrt.stores.migrations import APPLIED, CHANGED, FAILED, NEWER, PENDING
from flowrt.stores.protocol import Batch, BrokenEntry, Query, StoreRefused
from flowrt.stores.sql import SqlSettings, SqlStore
from flowrt.testing.contract.records import checkpoint, full, record
from tests.stores.sql.contract import execute

_names = itertools.count()
_V1_INSTANCE = (
    "INSERT INTO {schema}process_instance_entity (application_id, instance_id, workflow_name, workflow_namespace, "
    "workflow_version, started_at, status, input) "
    "VALUES ('orders', :id, 'n', 'ns', '1', '2024-01-01 00:00:00', 1, :input)"
)
_V1_TASK = (
    "INSERT INTO {schema}task_info_entity (application_id, process_instance_id, json_pointer, iteration, task_type, "
    "is_end_node, model) VALUES ('orders', :id, '/do/0/x', 0, 1, true, :input)"
)
_V1_EVENT = "INSERT INTO {schema}cloud_event_entity (id, reg_id, source, type, version) VALUES (:id, 'r', '/s', 't', 1)"


@pytest.fixture(params=["sqlite", "postgres_server", "mariadb_server"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> SqlSettings:
    if request.param == "sqlite":
        return SqlSettings("sqlite", str(tmp_path / "folder" / "m.db"), migrate_at_start=False)
    server: Any = request.getfixturevalue(request.param)
    if request.param == "mariadb_server":
        return SqlSettings.from_url(f"{server.url.rpartition('/')[0]}/migrated_{next(_names)}")
    return SqlSettings.from_url(f"{server.url.rpartition('/')[0]}/migrated_{next(_names)}?schema=flow")


@pytest.fixture
async def store(settings: SqlSettings) -> AsyncIterator[SqlStore]:
    store = SqlStore(settings, "orders")
    await store.connect()
    yield store
    await store.close()


async def states(store: SqlStore) -> list[str]:
    return [each.state for each in await migrations.status(store.database)]


async def only_first(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Migrates as the version of this program did that knew only V1."""
    known = migrations.migrations(store.settings.dialect)
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "migrations", lambda name: known[:1])
        await migrations.migrate(store.database)


async def test_each_is_applied_once(store: SqlStore) -> None:
    count = len(migrations.migrations(store.settings.dialect))
    assert await states(store) == [PENDING] * count
    applied = await migrations.migrate(store.database)
    assert [each.version for each in applied] == list(range(1, count + 1))
    assert await migrations.migrate(store.database) == []
    assert await states(store) == [APPLIED] * count
    rows = await execute(store, "SELECT installed_rank, version, script, success FROM {schema}flyway_schema_history")
    assert [(row[0], row[1], bool(row[3])) for row in sorted(rows)] == [(n, str(n), True) for n in range(1, count + 1)]
    assert str(sorted(rows)[0][2]) == "V1__create_tables.sql"


async def test_a_schema_that_is_behind_is_refused_with_the_command(settings: SqlSettings) -> None:
    store = SqlStore(settings, "orders")
    pending = ", ".join(f"V{each.version}" for each in migrations.migrations(settings.dialect))
    with pytest.raises(StoreRefused, match=rf"{pending} pending.*flowrt db migrate --store ") as refused:
        await store.open()
    assert "flowrt:flowrt" not in str(refused.value)
    willing = SqlStore(replace(settings, migrate_at_start=True), "orders")
    await willing.open()
    assert await willing.check() is None
    await willing.close()


async def test_two_at_once(settings: SqlSettings) -> None:
    stores = [SqlStore(replace(settings, migrate_at_start=True), "orders") for _ in range(3)]
    await stores[0].connect()
    await asyncio.gather(*(store.open() for store in stores))
    for store in stores:
        assert await states(store) == [APPLIED] * len(migrations.migrations(settings.dialect))
        await store.close()


async def test_an_interrupted_one_is_reported_and_repeated(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    await only_first(store, monkeypatch)
    await execute(store, _V1_INSTANCE, id="old", input=b"{}")
    await execute(store, "CREATE TABLE {schema}seen_event_entity (obstacle INTEGER)")
    with pytest.raises(StoreRefused, match="migrate again"):
        await migrations.migrate(store.database)
    half = store.settings.dialect == "mysql"
    later = [each.version for each in migrations.migrations(store.settings.dialect)[1:]]
    assert await states(store) == [APPLIED, FAILED if half else PENDING, *[PENDING] * (len(later) - 1)]
    assert ("half-way" in (await store.check() or "")) is half
    await execute(store, "DROP TABLE {schema}seen_event_entity")
    assert [each.version for each in await migrations.migrate(store.database)] == later
    assert await store.check() is None
    assert [each.id for each in (await store.find(Query())).items] == ["old"]
    token = await store.acquire("h", 30)
    assert token is not None
    await store.commit(Batch([full("i1")], [("/s", "1", 1.0)]), token)


async def test_what_v1_wrote_is_kept(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    await only_first(store, monkeypatch)
    for statement in (_V1_INSTANCE, _V1_TASK, _V1_EVENT):
        await execute(store, statement, **({"id": "old"} | ({"input": b"{}"} if "input" in statement else {})))
    await migrations.migrate(store.database)
    for table in ("process_instance_entity", "task_info_entity", "cloud_event_entity"):
        assert await execute(store, f"SELECT count(*) FROM {{schema}}{table}") == [(1,)]
    [(model,)] = await execute(store, "SELECT model FROM {schema}task_info_entity")
    assert bytes(model) == b"{}"  # type: ignore[call-overload]


async def test_a_program_that_knows_only_v1_goes_on_writing(store: SqlStore) -> None:
    await migrations.migrate(store.database)
    for statement in (_V1_INSTANCE, _V1_TASK, _V1_EVENT):
        await execute(store, statement, **({"id": "old"} | ({"input": b"{}"} if "input" in statement else {})))
    token = await store.acquire("h", 30)
    assert token is not None
    await store.commit(Batch([full("new")]), token)
    found = await store.load(["old", "new"])
    assert isinstance(found["old"], BrokenEntry)
    assert not isinstance(found["new"], BrokenEntry)
    assert {each.id for each, _ in await store.unfinished()} == {"old", "new"}
    assert len(await store.history("old")) == 1
    assert {each["id"] for each in await store.outbox()} == {"e1", "e2"}
    with pytest.raises(IntegrityError):
        await execute(store, _V1_TASK, id="nobody", input=b"")


async def test_a_program_one_step_behind_goes_on_working(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    await migrations.migrate(store.database)
    known = migrations.migrations(store.settings.dialect)
    monkeypatch.setattr(migrations, "migrations", lambda name: known[:-1])
    assert await states(store) == [*[APPLIED] * (len(known) - 1), NEWER]
    assert await store.check() is None
    token = await store.acquire("h", 30)
    assert token is not None
    await store.commit(Batch([full("i1")]), token)
    await store.commit(Batch([checkpoint("i1", 2, history=[("", record("/do/5/x"))])]), token)
    assert len(await store.history("i1")) == 3
    assert await store.delete(["i1"]) == 1


async def test_tasks_do_not_outlive_their_instance(store: SqlStore) -> None:
    await migrations.migrate(store.database)
    for id_ in ("i1", "i2"):
        await execute(store, _V1_INSTANCE, id=id_, input=b"{}")
    await execute(store, _V1_TASK, id="i1", input=b"{}")
    instance, task = "{schema}process_instance_entity", "{schema}task_info_entity"
    for statement in (
        f"DELETE FROM {instance} WHERE instance_id = 'i1'",
        f"UPDATE {instance} SET instance_id = 'i3' WHERE instance_id = 'i1'",
        f"UPDATE {task} SET process_instance_id = 'nobody'",
    ):
        with pytest.raises(IntegrityError):
            await execute(store, statement)
    await execute(store, f"UPDATE {task} SET process_instance_id = 'i2'")
    await execute(store, f"DELETE FROM {instance} WHERE instance_id = 'i1'")
    assert await execute(store, f"SELECT instance_id FROM {instance}") == [("i2",)]


async def test_a_later_schema_is_used_and_named(store: SqlStore) -> None:
    await migrations.migrate(store.database)
    await execute(
        store,
        "INSERT INTO {schema}flyway_schema_history (installed_rank, version, description, type, script, installed_by, "
        "execution_time, success) VALUES (9, '99', 'later', 'SQL', 'V99__later.sql', 'x', 1, true)",
    )
    assert (await states(store))[-1] == NEWER
    assert await store.check() is None


async def test_a_changed_file_is_refused(store: SqlStore) -> None:
    await migrations.migrate(store.database)
    await execute(store, "UPDATE {schema}flyway_schema_history SET checksum = 1 WHERE version = '1'")
    assert await states(store) == [CHANGED, *[APPLIED] * (len(migrations.migrations(store.settings.dialect)) - 1)]
    with pytest.raises(StoreRefused, match=r"V1__create_tables\.sql is not the file that was applied"):
        await migrations.migrate(store.database)
    assert "not the one that was applied" in (await store.check() or "")


@pytest.mark.parametrize("table", ["process_instance_entity", "task_info_entity", "cloud_event_entity"])
async def test_the_guides_lengths_hold(store: SqlStore, monkeypatch: pytest.MonkeyPatch, table: str) -> None:
    await only_first(store, monkeypatch)
    statement = {"process_instance_entity": _V1_INSTANCE, "cloud_event_entity": _V1_EVENT}.get(table)
    if statement is None:
        statement = _V1_TASK.replace("'/do/0/x'", ":pointer")
        await execute(store, _V1_INSTANCE, id="i", input=b"")
    values: dict[str, object] = {"id": "i" * 256} if "pointer" not in statement else {"id": "i", "pointer": "/" * 256}
    with pytest.raises(Exception, match=r"(?i)too long|check constraint"):
        await execute(store, statement, **(values | ({"input": b""} if "input" in statement else {})))
