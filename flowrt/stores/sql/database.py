"""Database: the connections to one database, and transactions on them.

Work is a plain function of a connection, so that every database runs the same code: in the event loop with an
asynchronous driver, else in threads; SQLite's one writer has a thread of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.ext.asyncio import AsyncEngine

from flowrt.stores.sql.failures import translated, worth_another_try
from flowrt.stores.sql.settings import SqlSettings

T = TypeVar("T")
Work = Callable[[Connection], T]
_TRIES = 3


class Database(Protocol):
    """Runs work in transactions. Raises `StoreUnavailable` when the database did not do it, or did not say."""

    settings: SqlSettings

    async def write(self, work: Work[T]) -> T:
        """In a transaction that may write; committed when the work returns."""
        ...

    async def read(self, work: Work[T]) -> T:
        """In a transaction that only reads."""
        ...

    async def close(self) -> None:
        """Closes all connections."""
        ...


class AsyncDatabase:
    """Through an asynchronous driver."""

    def __init__(self, settings: SqlSettings, engine: AsyncEngine, lost: tuple[type[Exception], ...] = ()) -> None:
        """`lost` are errors of the driver, none of SQLAlchemy's, that mean a lost connection."""
        self.settings = settings
        self._engine, self._lost = engine, lost

    async def write(self, work: Work[T]) -> T:
        # Pooled connections do not survive a restart of the server. Whatever a try did, another one is safe.
        with translated(self.settings):
            for _ in range(_TRIES - 1):
                try:
                    return await self._transaction(work)
                except Exception as error:
                    if not worth_another_try(error, self.settings):
                        raise
            return await self._transaction(work)

    read = write

    async def _transaction(self, work: Work[T]) -> T:
        try:
            async with self._engine.begin() as connection:
                return await connection.run_sync(work)
        except self._lost as error:
            raise ConnectionError(str(error)) from error

    async def close(self) -> None:
        await self._engine.dispose()


class ThreadedDatabase:
    """Through a driver that blocks: in threads."""

    def __init__(self, settings: SqlSettings, writing: Engine, reading: Engine, threads: int = 1) -> None:
        self.settings = settings
        self._writing, self._reading = writing, reading
        self._writers = ThreadPoolExecutor(threads, "flowrt-store-writer")
        # One that reads may do so while others write, even where there is but one writer.
        self._readers = self._writers if reading is writing else ThreadPoolExecutor(threads, "flowrt-store-reader")

    async def write(self, work: Work[T]) -> T:
        return await self._run(self._writers, self._writing, work)

    async def read(self, work: Work[T]) -> T:
        return await self._run(self._readers, self._reading, work)

    async def _run(self, threads: ThreadPoolExecutor, engine: Engine, work: Work[T]) -> T:
        def transaction() -> T:
            with engine.begin() as connection:
                return work(connection)

        def repeated() -> T:
            for _ in range(_TRIES - 1):
                try:
                    return transaction()
                except Exception as error:
                    if not worth_another_try(error, self.settings):
                        raise
            return transaction()

        with translated(self.settings):
            return await asyncio.get_running_loop().run_in_executor(threads, repeated)

    async def close(self) -> None:
        def dispose() -> None:
            self._reading.dispose()
            self._writing.dispose()

        await asyncio.get_running_loop().run_in_executor(self._writers, dispose)
        self._readers.shutdown()
        self._writers.shutdown()
