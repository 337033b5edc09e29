"""What is particular to a database: how to connect, to write many rows, and to migrate under a lock."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from flowrt.stores.sql.bulk import Bulk
from flowrt.stores.sql.database import Database
from flowrt.stores.sql.parts import Parts
from flowrt.stores.sql.settings import SqlSettings
from flowrt.stores.sql.tables import Tables


class Dialect(Protocol):
    """One database."""

    pointer_bytes: int
    """How long a position may be in a key column."""
    transactional_ddl: bool
    """Whether a migration that fails leaves nothing behind."""

    async def connect(self, settings: SqlSettings) -> Database:
        """Opens it; creates the database itself when it is missing and that is permitted."""
        ...

    def bulk(self, application: str, names: Tables) -> Bulk:
        """Writes many rows."""
        ...

    def parts(self, application: str, names: Tables) -> Parts | None:
        """Keeps values longer than a statement may be; None where there is no such limit."""
        ...

    def migrating(self, connection: Connection, settings: SqlSettings) -> AbstractContextManager[None]:
        """Holds the lock under which one process at a time migrates, in the schema of the settings."""
        ...

    def done_before(self, error: DBAPIError) -> bool:
        """Whether a statement of a migration failed because an earlier, interrupted run had done it."""
        ...

    def durability(self, connection: Connection) -> str | None:
        """Why an acknowledged commit might not survive a crash of the server; None: it does."""
        ...
