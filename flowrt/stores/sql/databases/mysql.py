"""MySQL 8.0.19 and later, and MariaDB 10.5 and later, through asyncmy."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncmy
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import PoolResetState

from flowrt.stores.protocol import StoreRefused, StoreUnavailable
from flowrt.stores.sql.bulk_mysql import MysqlBulk
from flowrt.stores.sql.database import AsyncDatabase, Database
from flowrt.stores.sql.failures import code_of
from flowrt.stores.sql.parts import Parts
from flowrt.stores.sql.pool import PREPARED, pooled
from flowrt.stores.sql.settings import SqlSettings
from flowrt.stores.sql.tables import Tables
from flowrt.stores.sql.tls import context

_UNKNOWN_DATABASE, _DENIED, _ACCESS_DENIED = 1049, 1044, 1045
# Table, column, key, constraint exists; two primary keys; nothing to drop; foreign key exists; check exists; no
# constraint to drop.
_DONE = frozenset((1050, 1060, 1061, 1068, 1091, 1826, 3822, 3940))
_LOCK_WAIT_S = 600
_MOST_PREPARED = 200
"""Statements that a connection keeps prepared."""


class Mysql:
    """MySQL and MariaDB."""

    pointer_bytes = 255
    transactional_ddl = False

    async def connect(self, settings: SqlSettings) -> Database:
        arguments = _arguments(settings)
        try:
            await _probe(settings, arguments)
        except (asyncmy.errors.Error, OSError) as error:
            code = error.args[0] if error.args else 0
            if code in (_DENIED, _ACCESS_DENIED, _UNKNOWN_DATABASE):
                message = f"{settings.place}: {error}; check user and password, or create the database"
                raise StoreRefused(message) from error
            raise StoreUnavailable(f"{settings.place} cannot be reached: {error}") from error
        engine = pooled(
            "mysql+asyncmy",
            settings,
            arguments,
            # Without gap locks: commits of different instances then never wait for each other.
            isolation_level="READ COMMITTED",
            execution_options={PREPARED: settings.prepared_statements is not False},
            pool_reset_on_return=None,
        )
        event.listens_for(engine.sync_engine, "reset")(_roll_back)
        return AsyncDatabase(settings, engine)

    def bulk(self, application: str, names: Tables) -> MysqlBulk:
        return MysqlBulk(application, names, Parts(names, application))

    def parts(self, application: str, names: Tables) -> Parts:
        return Parts(names, application)

    @contextmanager
    def migrating(self, connection: Connection, settings: SqlSettings) -> Iterator[None]:
        name = {"name": "flowrt " + hashlib.sha256(settings.database.encode()).hexdigest()[:48]}
        got = connection.execute(text("SELECT GET_LOCK(:name, :wait)"), {**name, "wait": _LOCK_WAIT_S}).scalar()
        if got != 1:
            raise StoreUnavailable(f"{settings.place}: another process has been migrating for {_LOCK_WAIT_S} s")
        try:
            yield
        finally:
            connection.execute(text("SELECT RELEASE_LOCK(:name)"), name)

    def done_before(self, error: DBAPIError) -> bool:
        return code_of(error, "mysql") in _DONE

    def durability(self, connection: Connection) -> str | None:
        value = connection.exec_driver_sql("SELECT @@innodb_flush_log_at_trx_commit").scalar()
        return None if value == 1 else f"the server runs with innodb_flush_log_at_trx_commit = {value}"


def _roll_back(connection: Any, _record: Any, state: PoolResetState) -> None:
    # Most have just committed: that is not worth another message.
    if not state.terminate_only and connection.driver_connection.get_transaction_status():
        connection.rollback()


def _arguments(settings: SqlSettings) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "host": settings.host,
        "port": settings.port,
        "user": settings.username,
        "password": settings.password or "",
        "db": settings.database,
        "charset": "utf8mb4",
        "binary_prefix": True,
        "init_command": "SET time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
        "connect_timeout": max(settings.connection_timeout_ms / 1000, 0.001),
        "read_timeout": settings.statement_timeout_ms / 1000,
    }
    if settings.tls.mode not in ("disable", "prefer") or settings.tls.ca_file is not None:
        arguments["ssl"] = context(settings.tls)
    if settings.prepared_statements is not False:
        arguments["stmt_cache_size"] = _MOST_PREPARED
    return arguments


async def _probe(settings: SqlSettings, arguments: dict[str, Any]) -> None:
    """Connects once, creating the database if it is missing."""
    try:
        connection = await asyncmy.connect(**arguments)
    except asyncmy.errors.OperationalError as error:
        if error.args[0] != _UNKNOWN_DATABASE:
            raise
        connection = await asyncmy.connect(**{**arguments, "db": None})
        async with connection.cursor() as cursor:
            name = settings.database.replace("`", "``")
            await cursor.execute(f"CREATE DATABASE IF NOT EXISTS `{name}` CHARACTER SET utf8mb4")
    await connection.ensure_closed()
