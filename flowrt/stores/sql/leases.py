"""The lease of an application: one row, its token growing with every holder. Time is the server's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, Double, insert, literal_column, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql import Select

from flowrt.stores.protocol import StaleOwner
from flowrt.stores.sql.queries import Queries
from flowrt.stores.sql.tables import Tables

_NOW: Mapping[str, str] = {
    "postgresql": "extract(epoch FROM clock_timestamp())::float8",
    "mysql": "(UNIX_TIMESTAMP(NOW(6)) + 0e0)",
    "sqlite": "((julianday('now') - 2440587.5) * 86400.0)",
    "oracle": "((CAST(SYS_EXTRACT_UTC(SYSTIMESTAMP) AS DATE) - DATE '1970-01-01') * 86400)",
    "mssql": "(CAST(DATEDIFF_BIG(microsecond, '1970-01-01', SYSUTCDATETIME()) AS FLOAT(53)) / 1000000)",
}


def server_time(dialect: str) -> ColumnElement[float]:
    """The server's time in epoch seconds."""
    return literal_column(_NOW[dialect], Double())


@dataclass(slots=True)
class Leases:
    """The lease of one application."""

    tables: Tables
    queries: Queries
    _fence: Select[Any] = field(init=False)

    def __post_init__(self) -> None:
        table = self.tables.leases
        self._fence = self.queries.locked(self.queries.of(table.c.token), table, shared=True)

    def acquire(self, connection: Connection, holder: str, ttl_s: float) -> int | None:
        """A token larger than any before; None while another holder has the lease."""
        table = self.tables.leases
        self._ensure(connection)
        query = self.queries.of(table.c.holder, table.c.token, table.c.until_epoch, self._now())
        held, token, until, now = connection.execute(self.queries.locked(query, table)).one()
        if until > now and held != holder:
            return None
        values = {"holder": holder, "token": token + 1, "until_epoch": now + ttl_s}
        connection.execute(update(table).where(self._mine()).values(values))
        return int(token) + 1

    def renew(self, connection: Connection, token: int, ttl_s: float) -> bool:
        """Whether the lease was there to be prolonged."""
        table = self.tables.leases
        changed = update(table).where(self._mine(), table.c.token == token)
        return connection.execute(changed.values(until_epoch=self._now() + ttl_s)).rowcount == 1

    def release(self, connection: Connection, token: int) -> None:
        """Lets anyone take it."""
        table = self.tables.leases
        changed = update(table).where(self._mine(), table.c.token == token)
        connection.execute(changed.values(holder="-", until_epoch=0.0))

    def fence(self, connection: Connection, token: int) -> None:
        """Raises `StaleOwner` unless the token is current; it stays so until the transaction ends."""
        current = connection.execute(self._fence).scalar()
        if current != token:
            raise StaleOwner(f"token {token} is not current, {current or 'none'} is")

    def _ensure(self, connection: Connection) -> None:
        table = self.tables.leases
        if connection.execute(self.queries.of(table.c.token)).first() is not None:
            return
        values = {"application_id": self.queries.application, "holder": "-", "token": 0, "until_epoch": 0.0}
        try:
            with connection.begin_nested():
                connection.execute(insert(table).values(values))
        except IntegrityError:
            # Another process was first.
            return

    def _mine(self) -> ColumnElement[bool]:
        return self.tables.leases.c.application_id == self.queries.application

    def _now(self) -> ColumnElement[float]:
        return server_time(self.queries.dialect)
