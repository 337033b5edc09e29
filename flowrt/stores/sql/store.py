"""The SQL store: the Store protocol over one database, for one application."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from flowrt.core.definition import Subscription
from flowrt.core.records import Stored
from flowrt.stores import migrations
from flowrt.stores.codec import Codec
from flowrt.stores.protocol import (
    Batch,
    BrokenEntry,
    Definition,
    Entry,
    Mark,
    Page,
    Query,
    StoreRefused,
    StoreUnavailable,
)
from flowrt.stores.sql.bulk import Unexpected
from flowrt.stores.sql.commit import Commits
from flowrt.stores.sql.database import Database
from flowrt.stores.sql.databases import dialect
from flowrt.stores.sql.definitions import Definitions
from flowrt.stores.sql.events import Events
from flowrt.stores.sql.leases import Leases
from flowrt.stores.sql.queries import Queries
from flowrt.stores.sql.reads import Reads
from flowrt.stores.sql.rows import Plan, Rows
from flowrt.stores.sql.settings import SqlSettings
from flowrt.stores.sql.tables import tables

Json = Any
T = TypeVar("T")

_DELETED_AT_ONCE = 200
"""Instances a transaction removes: short enough not to hold up commits."""


class SqlStore:
    """Instances as rows of the persistence guide's tables."""

    durable = True

    def __init__(self, settings: SqlSettings, application: str) -> None:
        self.name = settings.dialect
        self.settings = settings
        self._dialect = dialect(settings.dialect)
        self._database: Database | None = None
        names = tables(settings.schema, settings.dialect)
        parts = self._dialect.parts(application, names)
        codec, queries = Codec(settings.compression), Queries(application, settings.dialect, parts)
        bulk = self._dialect.bulk(application, names)
        self._rows = Rows(codec, self._dialect.pointer_bytes)
        self._leases = Leases(names, queries)
        self._events = Events(names, queries, codec)
        self._commits = Commits(names, queries, bulk, self._leases, self._events)
        self._reads = Reads(names, queries, codec)
        self._definitions = Definitions(names, queries, codec)

    @classmethod
    def from_url(cls, url: str, application: str) -> SqlStore:
        """The store of a URL (see `SqlSettings`). Raises `StoreRefused` for a wrong one."""
        return cls(SqlSettings.from_url(url), application)

    @property
    def database(self) -> Database:
        """Its connections; also what `flowrt.stores.migrations` takes."""
        if self._database is None:
            raise StoreUnavailable(f"{self.settings.place} is not open")
        return self._database

    async def connect(self) -> Database:
        """Connects, whatever schema there is."""
        if self._database is None:
            self._database = await self._dialect.connect(self.settings)
        return self._database

    async def open(self) -> None:
        database = await self.connect()
        try:
            if self.settings.migrates:
                await migrations.migrate(database)
            reason = migrations.behind(await migrations.status(database))
            if reason is not None:
                remedy = f"run: flowrt db migrate --store {self.settings.url}"
                raise StoreRefused(f"the schema of {self.settings.place} is not ready: {reason}; {remedy}")
            weakness = await self._read(self._dialect.durability) if self.settings.require_durable else None
            if weakness is not None:
                raise StoreRefused(f"{self.settings.place} is not durable, as require-durable asks: {weakness}")
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            await database.close()

    async def acquire(self, holder: str, ttl_s: float) -> int | None:
        return await self._write(lambda connection: self._leases.acquire(connection, holder, ttl_s))

    async def renew(self, token: int, ttl_s: float) -> bool:
        return await self._write(lambda connection: self._leases.renew(connection, token, ttl_s))

    async def release(self, token: int) -> None:
        await self._write(lambda connection: self._leases.release(connection, token))

    async def commit(self, batch: Batch, token: int) -> None:
        plan = self._rows.plan(batch, token)
        for careful in (False, True, True):
            # What is in the way is the record of an earlier attempt, or of a commit that has just got in between.
            with suppress(IntegrityError, Unexpected):
                return await self._commit(batch, plan, token, careful)
        return await self._commit(batch, plan, token, careful=True)

    async def _commit(self, batch: Batch, plan: Plan, token: int, careful: bool) -> None:
        await self._write(lambda connection: self._commits.write(connection, batch, plan, token, careful))

    async def load(self, ids: Sequence[str]) -> dict[str, Stored | BrokenEntry]:
        return await self._read(lambda connection: self._reads.load(connection, ids))

    async def unfinished(
        self, after: str | None = None, limit: int = 1000
    ) -> list[tuple[Entry, Sequence[Subscription]]]:
        return await self._read(lambda connection: self._reads.unfinished(connection, after, limit))

    async def find(self, query: Query) -> Page:
        return await self._read(lambda connection: self._reads.find(connection, query))

    async def history(self, id: str) -> list[Json]:
        return await self._read(lambda connection: self._reads.history(connection, id))

    async def delete(self, ids: Sequence[str]) -> int:
        chosen, count = list(dict.fromkeys(ids)), 0
        for start in range(0, len(chosen), _DELETED_AT_ONCE):
            count += await self._delete(chosen[start : start + _DELETED_AT_ONCE])
        return count

    async def _delete(self, ids: Sequence[str]) -> int:
        return await self._write(lambda connection: self._commits.remove(connection, ids))

    async def expired(self, status: str, ended_before: float, limit: int) -> list[str]:
        return await self._read(lambda connection: self._reads.expired(connection, status, ended_before, limit))

    async def put_definition(self, definition: Definition) -> None:
        await self._write(lambda connection: self._definitions.put(connection, definition))

    async def definition(self, digest: str) -> Definition | None:
        return await self._read(lambda connection: self._definitions.get(connection, digest))

    async def deployed(self) -> list[Definition]:
        return await self._read(self._definitions.deployed)

    async def seen(self, events: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        return await self._read(lambda connection: self._events.seen(connection, events))

    async def marks(self, after: Mark | None = None, limit: int = 1000) -> Sequence[Mark]:
        return await self._read(lambda connection: self._events.marks(connection, after, limit))

    async def forget_seen(self, before: float) -> None:
        await self._write(lambda connection: self._events.forget(connection, before))

    async def outbox(self) -> list[dict[str, Json]]:
        return await self._read(self._events.outbox)

    async def check(self) -> str | None:
        try:
            return migrations.behind(await migrations.status(self.database))
        except (StoreUnavailable, StoreRefused) as error:
            return str(error)

    async def info(self) -> dict[str, Json]:
        def read(connection: Connection) -> dict[str, Json]:
            version = ".".join(map(str, connection.dialect.server_version_info or ()))
            weakness = self._dialect.durability(connection)
            known: dict[str, Json] = {"store": self.name, "place": self.settings.place, "version": version}
            known["durable"] = weakness is None
            if weakness is not None:
                known["warning"] = weakness
            return {**known, **self._reads.counts(connection)}

        return await self._read(read)

    async def _write(self, work: Callable[[Connection], T]) -> T:
        return await self.database.write(work)

    async def _read(self, work: Callable[[Connection], T]) -> T:
        return await self.database.read(work)
