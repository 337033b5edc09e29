"""PostgreSQL through asyncpg, directly or behind a proxy such as PgBouncer in transaction mode.

Behind a proxy nothing may stay on a connection from one transaction to the next, so nothing is prepared and no session
setting is made; directly, both are. Whether one stands between is found out by asking which process serves the session:
a proxy has named another one when the session began, a mere relay of bytes has not.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import Connection, event, text
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.exc import DBAPIError, InvalidatePoolError

from flowrt.stores.protocol import StoreRefused, StoreUnavailable
from flowrt.stores.sql.bulk_postgresql import PostgresqlBulk
from flowrt.stores.sql.database import AsyncDatabase, Database
from flowrt.stores.sql.pool import PREPARED, pooled
from flowrt.stores.sql.settings import SqlSettings, Tls
from flowrt.stores.sql.tables import Tables
from flowrt.stores.sql.tls import context

_LOCK = 0x666C6F777274
"""Advisory lock of migrations: "flowrt"."""


_PLANNING = {"enable_seqscan": "off", "plan_cache_mode": "force_generic_plan", "jit": "off"}
"""Every statement goes by an index, whatever the tables hold when it is planned; and it is planned once."""


class BareAsyncpg(PGDialect_asyncpg):
    """SQLAlchemy's dialect without its JSON codecs, which cost queries outside of any transaction."""

    supports_statement_cache = True

    async def setup_asyncpg_json_codec(self, conn: Any) -> None:
        """JSON is kept as bytes."""

    async def setup_asyncpg_jsonb_codec(self, conn: Any) -> None:
        """JSON is kept as bytes."""


registry.register("postgresql.bareasyncpg", __name__, "BareAsyncpg")


class Postgresql:
    """PostgreSQL 12 and later."""

    pointer_bytes = 600
    transactional_ddl = True

    async def connect(self, settings: SqlSettings) -> Database:
        arguments = _arguments(settings)
        try:
            direct = await _probe(arguments)
        except asyncpg.InvalidCatalogNameError:
            await _create(settings, arguments)
            direct = await _probe(arguments)
        except asyncpg.InvalidAuthorizationSpecificationError as error:
            raise StoreRefused(f"{settings.place}: {error}; check user and password") from error
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise StoreUnavailable(f"{settings.place} cannot be reached: {error}") from error
        prepared = direct if settings.prepared_statements is None else settings.prepared_statements
        if direct:
            # A proxy may refuse settings that it does not know.
            arguments["server_settings"] = _PLANNING
        if not prepared:
            arguments |= {"statement_cache_size": 0, "prepared_statement_cache_size": 0}
            arguments["prepared_statement_name_func"] = lambda: ""
        engine = pooled("postgresql+bareasyncpg", settings, arguments, execution_options={PREPARED: prepared})
        event.listens_for(engine.sync_engine, "checkout")(_refuse_closed)
        # The driver has been told that a connection ends, but has not seen the end yet.
        return AsyncDatabase(settings, engine, (asyncpg.InternalClientError,))

    def bulk(self, application: str, names: Tables) -> PostgresqlBulk:
        return PostgresqlBulk(application, names)

    def parts(self, application: str, names: Tables) -> None:
        """No value is too long."""

    @contextmanager
    def migrating(self, connection: Connection, settings: SqlSettings) -> Iterator[None]:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        if settings.schema is not None:
            name = connection.dialect.identifier_preparer.quote(settings.schema)
            known = text("SELECT 1 FROM pg_namespace WHERE nspname = :name")
            if connection.execute(known, {"name": settings.schema}).first() is None:
                connection.exec_driver_sql(f"CREATE SCHEMA {name}")
            connection.exec_driver_sql(f"SET LOCAL search_path TO {name}")
        yield

    def done_before(self, error: DBAPIError) -> bool:
        return False

    def durability(self, connection: Connection) -> str | None:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            value = connection.exec_driver_sql(f"SHOW {setting}").scalar()
            if value == "off":
                return f"the server runs with {setting} = off"
        return None


def _refuse_closed(connection: Any, _record: Any, _proxy: Any) -> None:
    # The driver has seen the server go; nobody was using the connection then, and others will have gone with it.
    if connection.driver_connection.is_closed():
        raise InvalidatePoolError("the server has closed the connection")


def _arguments(settings: SqlSettings) -> dict[str, Any]:
    return {
        "host": settings.host,
        "port": settings.port,
        "user": settings.username,
        "password": settings.password,
        "database": settings.database,
        "timeout": settings.connection_timeout_ms / 1000,
        "command_timeout": settings.statement_timeout_ms / 1000,
        "ssl": _tls(settings.tls),
    }


def _tls(tls: Tls) -> ssl.SSLContext | str | bool:
    if tls.mode in ("disable", "prefer") and tls.ca_file is None and tls.certificate_file is None:
        return tls.mode if tls.mode == "prefer" else False
    return context(tls)


async def _probe(arguments: dict[str, Any]) -> bool:
    """Whether the server itself holds the session."""
    connection = await asyncpg.connect(**arguments, statement_cache_size=0)
    try:
        async with connection.transaction():
            serving = await connection.fetchval("SELECT pg_backend_pid()")
        return bool(serving == connection.get_server_pid())
    finally:
        await connection.close()


async def _create(settings: SqlSettings, arguments: dict[str, Any]) -> None:
    name = settings.database.replace('"', '""')
    try:
        connection = await asyncpg.connect(**{**arguments, "database": "postgres"}, statement_cache_size=0)
        try:
            await connection.execute(f'CREATE DATABASE "{name}"')
        except asyncpg.DuplicateDatabaseError:
            # Another process was first.
            pass
        finally:
            await connection.close()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        message = f"{settings.place} does not exist and cannot be created: {error}; create it, or grant CREATEDB"
        raise StoreRefused(message) from error
