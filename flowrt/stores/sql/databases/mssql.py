"""SQL Server 2019 and later, through pymssql, which brings its own TDS library; in threads, as that one blocks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pymssql
from sqlalchemy import URL, Connection, create_engine, text
from sqlalchemy.exc import DBAPIError

from flowrt.stores.protocol import StoreRefused, StoreUnavailable
from flowrt.stores.sql.bulk import PortableBulk
from flowrt.stores.sql.database import Database, ThreadedDatabase
from flowrt.stores.sql.settings import SqlSettings
from flowrt.stores.sql.tables import Tables

_LOCK_WAIT_MS = 600_000


class Mssql:
    """SQL Server."""

    pointer_bytes = 255
    transactional_ddl = True

    async def connect(self, settings: SqlSettings) -> Database:
        arguments = _arguments(settings)
        try:
            await asyncio.to_thread(_create, settings, arguments)
        except pymssql.Error as error:
            raise StoreUnavailable(f"{settings.place} cannot be reached: {error}") from error
        engine = create_engine(
            URL.create("mssql+pymssql"),
            connect_args=arguments,
            pool_size=settings.maximum_pool_size,
            max_overflow=0,
            pool_timeout=settings.connection_timeout_ms / 1000,
            pool_recycle=settings.max_lifetime_ms / 1000 if settings.max_lifetime_ms else -1,
            hide_parameters=True,
        )
        return ThreadedDatabase(settings, engine, engine, settings.maximum_pool_size)

    def bulk(self, application: str, names: Tables) -> PortableBulk:
        return PortableBulk(application)

    def parts(self, application: str, names: Tables) -> None:
        """No value is too long."""

    @contextmanager
    def migrating(self, connection: Connection, settings: SqlSettings) -> Iterator[None]:
        lock = (
            "DECLARE @got INT; EXEC @got = sp_getapplock @Resource = 'flowrt', @LockMode = 'Exclusive', "
            f"@LockOwner = 'Transaction', @LockTimeout = {_LOCK_WAIT_MS}; SELECT @got"
        )
        if int(connection.execute(text(lock)).scalar() or 0) < 0:
            raise StoreUnavailable(f"{settings.place}: another process has been migrating for too long")
        yield

    def done_before(self, error: DBAPIError) -> bool:
        return False

    def durability(self, connection: Connection) -> str | None:
        delayed = text("SELECT delayed_durability_desc FROM sys.databases WHERE name = DB_NAME()")
        value = connection.execute(delayed).scalar()
        return "the database allows delayed durability" if value == "FORCED" else None


def _arguments(settings: SqlSettings) -> dict[str, Any]:
    if settings.tls.ca_file is not None or settings.tls.certificate_file is not None:
        raise StoreRefused("certificates for SQL Server are configured in freetds.conf; leave 'ca' out")
    arguments: dict[str, Any] = {
        "server": settings.host,
        "port": str(settings.port),
        "user": settings.username,
        "password": settings.password,
        "database": settings.database,
        "login_timeout": max(1, settings.connection_timeout_ms // 1000),
        "timeout": max(1, settings.statement_timeout_ms // 1000),
        "charset": "UTF-8",
        "appname": "flowrt",
    }
    if settings.tls.mode not in ("disable", "prefer"):
        arguments["encryption"] = "require"
    return arguments


def _create(settings: SqlSettings, arguments: dict[str, Any]) -> None:
    """Creates the database if it is missing and that is permitted."""
    name = settings.database.replace("]", "]]")
    with pymssql.connect(**{**arguments, "database": "master"}, autocommit=True) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT 1 FROM sys.databases WHERE name = %s", (settings.database,))
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE DATABASE [{name}]")
