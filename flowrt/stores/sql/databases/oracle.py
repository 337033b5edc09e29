"""Oracle 19 and later, through oracledb without client libraries; the schema is the user's own, or the one named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import oracledb  # noqa: F401 - so that a missing driver is noticed here
from sqlalchemy import Connection, Table, text
from sqlalchemy.exc import DBAPIError

from flowrt.stores.sql.bulk import Change, PortableBulk, Row, Where
from flowrt.stores.sql.database import AsyncDatabase, Database
from flowrt.stores.sql.failures import code_of
from flowrt.stores.sql.pool import pooled
from flowrt.stores.sql.settings import SqlSettings
from flowrt.stores.sql.tables import Tables
from flowrt.stores.sql.tls import context

# Name, index, column, primary key, key, constraint, foreign key exists; constraint, primary key or index to be dropped
# does not.
_DONE = frozenset((955, 1408, 1430, 2260, 2261, 2264, 2275, 2443, 2441, 1418))
_EXISTS = 955


class OracleBulk(PortableBulk):
    """With array binding. A value that is to be kept is left out of the update: a LOB has no COALESCE with a bind."""

    def update(self, connection: Connection, table: Table, where: Where, change: Change, rows: Sequence[Row]) -> None:
        always = len(where.columns) + len(change.columns)
        super().update(connection, table, where, Change(change.columns), [row[:always] for row in rows])
        for place, name in enumerate(change.kept, always):
            given = [(*row[: len(where.columns)], row[place]) for row in rows if row[place] is not None]
            if given:
                super().update(connection, table, where, Change((name,)), given)


class Oracle:
    """Oracle Database."""

    pointer_bytes = 600
    transactional_ddl = False

    async def connect(self, settings: SqlSettings) -> Database:
        encrypted = settings.tls.mode not in ("disable", "prefer") or settings.tls.ca_file is not None
        arguments: dict[str, Any] = {
            "user": settings.username,
            "password": settings.password,
            "host": settings.host,
            "port": settings.port,
            "service_name": settings.database,
            "tcp_connect_timeout": settings.connection_timeout_ms / 1000,
        }
        if encrypted:
            arguments |= {"protocol": "tcps", "ssl_context": context(settings.tls)}
        return AsyncDatabase(settings, pooled("oracle+oracledb_async", settings, arguments))

    def bulk(self, application: str, names: Tables) -> OracleBulk:
        return OracleBulk(application)

    def parts(self, application: str, names: Tables) -> None:
        """No value is too long."""

    @contextmanager
    def migrating(self, connection: Connection, settings: SqlSettings) -> Iterator[None]:
        # DDL ends the transaction, and any lock with it: the lock is held by a connection of its own.
        with connection.engine.begin() as holder:
            try:
                holder.execute(text("CREATE TABLE flowrt_migration_lock (held NUMBER(1))"))
            except DBAPIError as error:
                if code_of(error, "oracle") != _EXISTS:
                    raise
            holder.execute(text("LOCK TABLE flowrt_migration_lock IN EXCLUSIVE MODE"))
            if settings.schema is not None:
                name = connection.dialect.identifier_preparer.quote(settings.schema)
                connection.exec_driver_sql(f"ALTER SESSION SET CURRENT_SCHEMA = {name}")
            yield

    def done_before(self, error: DBAPIError) -> bool:
        return code_of(error, "oracle") in _DONE

    def durability(self, connection: Connection) -> str | None:
        return None
