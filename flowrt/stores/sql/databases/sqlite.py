"""SQLite: one file, one writer. WAL with a full fsync at every commit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from flowrt.stores.protocol import StoreRefused, StoreUnavailable
from flowrt.stores.sql.bulk_sqlite import SqliteBulk
from flowrt.stores.sql.database import Database, ThreadedDatabase
from flowrt.stores.sql.settings import SqlSettings
from flowrt.stores.sql.tables import Tables

_MOST_PREPARED = 500
"""Statements that a connection keeps prepared: of each kind some for every number of rows."""


class Sqlite:
    """SQLite 3.35 and later."""

    pointer_bytes = 600
    transactional_ddl = True

    async def connect(self, settings: SqlSettings) -> Database:
        if settings.database == ":memory:":
            raise StoreRefused("a SQLite store needs a file; for one that keeps nothing use memory://")
        try:
            Path(settings.database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnavailable(f"the folder of {settings.place} cannot be created: {error}") from error
        return ThreadedDatabase(settings, _engine(settings, writes=True), _engine(settings, writes=False))

    def bulk(self, application: str, names: Tables) -> SqliteBulk:
        return SqliteBulk(application)

    def parts(self, application: str, names: Tables) -> None:
        """No value is too long."""

    @contextmanager
    def migrating(self, connection: Connection, settings: SqlSettings) -> Iterator[None]:
        # A writing transaction has the file to itself.
        yield

    def done_before(self, error: DBAPIError) -> bool:
        return False

    def durability(self, connection: Connection) -> str | None:
        return None


def _engine(settings: SqlSettings, writes: bool) -> Engine:
    engine = create_engine(
        f"sqlite:///{settings.database}",
        pool_size=1,
        max_overflow=0,
        hide_parameters=True,
        connect_args={
            "timeout": settings.connection_timeout_ms / 1000,
            "check_same_thread": False,
            "cached_statements": _MOST_PREPARED,
        },
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        # The driver must not begin transactions by itself: it would begin them as readers.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode = WAL" if writes else "PRAGMA query_only = ON")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
