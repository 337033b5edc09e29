"""Definitions by digest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, update
from sqlalchemy.exc import IntegrityError

from flowrt.stores.codec import Codec
from flowrt.stores.protocol import Definition
from flowrt.stores.sql.queries import Queries
from flowrt.stores.sql.tables import Tables


@dataclass(slots=True)
class Definitions:
    """The definitions of one application."""

    tables: Tables
    queries: Queries
    codec: Codec

    def put(self, connection: Connection, definition: Definition) -> None:
        """Adds it, or changes `deployed` of the one that is there."""
        table = self.tables.definitions
        mine = (table.c.application_id == self.queries.application, table.c.digest == definition.digest)
        changed = update(table).where(*mine).values(deployed=int(definition.deployed))
        if connection.execute(self.queries.of(table.c.digest).where(*mine)).first() is None:
            values = {
                "application_id": self.queries.application,
                "digest": definition.digest,
                "namespace": definition.namespace,
                "name": definition.name,
                "version": definition.version,
                "deployed": int(definition.deployed),
                "source": self.codec.encode(definition.source),
                "base_uri": None if definition.base_uri is None else self.codec.encode(definition.base_uri),
            }
            try:
                with connection.begin_nested():
                    connection.execute(insert(table).values(values))
            except IntegrityError:
                # Another process put the same one in between.
                connection.execute(changed)
        else:
            connection.execute(changed)

    def get(self, connection: Connection, digest: str) -> Definition | None:
        """The definition with this digest."""
        table = self.tables.definitions
        row = connection.execute(self._all().where(table.c.digest == digest)).first()
        return None if row is None else self._definition(row)

    def deployed(self, connection: Connection) -> list[Definition]:
        """Those deployed through the API."""
        table = self.tables.definitions
        return [self._definition(row) for row in connection.execute(self._all().where(table.c.deployed == 1))]

    def _all(self) -> Any:
        names = ("digest", "namespace", "name", "version", "source", "deployed", "base_uri")
        return self.queries.of(*(self.tables.definitions.c[name] for name in names))

    def _definition(self, row: Any) -> Definition:
        digest, namespace, name, version, source, deployed, base_uri = row
        decode = self.codec.decode
        base = None if base_uri is None else decode(base_uri)
        return Definition(digest, namespace, name, version, decode(source), bool(deployed), base)
