"""Values longer than a statement may be: kept in rows of their own, and named by a mark in their column.

MySQL takes no statement longer than `max_allowed_packet`, 16 MiB where nobody has raised it. What a replaced value
leaves behind goes when its owner next keeps a value in parts, or is removed.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, union_all

from flowrt.stores.sql.bulk import sizes
from flowrt.stores.sql.rows import LARGE
from flowrt.stores.sql.tables import Tables
from flowrt.stores.sql.text import escape

PART_BYTES = 1_000_000
"""Also of a value kept in one piece: escaped, all values of a row still make one statement."""
_MARK = b"\x0f"
_OWNERS = ("instance_id", "process_instance_id")
_MARKED = {
    "process_instance_entity": ("head", "subscriptions", *LARGE),
    "task_info_entity": ("context", "model", "fixed", "details"),
    "earlier_task_entity": ("context", "model", "details"),
}


@dataclass(slots=True)
class Parts:
    """The long values of one application."""

    tables: Tables
    application: str

    def take(
        self, connection: Connection, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]], alone: bool = False
    ) -> tuple[Sequence[tuple[Any, ...]], set[str]]:
        """The rows with marks for their long values, which are written; and whom those belong to.

        `alone`: a row is all that its owner has; what the owner had before goes.
        """
        if max(sizes(rows), default=0) <= PART_BYTES:
            return rows, set()
        marked, owners = [], set()
        for row in rows:
            if any(value.__class__ is bytes and len(value) > PART_BYTES for value in row):
                owner = owner_of(columns, row)
                owners.add(owner)
                if alone:
                    self.remove(connection, [owner])
                row = tuple(self._kept(connection, owner, value) for value in row)
            marked.append(row)
        return marked, owners

    def _kept(self, connection: Connection, owner: str, value: Any) -> Any:
        if value.__class__ is not bytes or len(value) <= PART_BYTES:
            return value
        id_ = uuid.uuid4().hex
        for number, start in enumerate(range(0, len(value), PART_BYTES)):
            row = {"application_id": self.application, "owner": owner, "id": id_, "number": number}
            connection.execute(insert(self.tables.parts), [{**row, "part": value[start : start + PART_BYTES]}])
        return b"%b%b %b" % (_MARK, id_.encode(), owner.encode())

    def whole(self, connection: Connection, values: Iterable[Any]) -> list[Any]:
        """The values, with what a mark names in place of the mark."""
        return [
            self._whole(connection, value) if value.__class__ is bytes and value[:1] == _MARK else value
            for value in values
        ]

    def _whole(self, connection: Connection, mark: bytes) -> bytes:
        id_, _, owner = mark[1:].decode().partition(" ")
        table = self.tables.parts
        mine = (table.c.application_id == self.application, table.c.owner == owner, table.c.id == id_)
        return b"".join(connection.execute(select(table.c.part).where(*mine).order_by(table.c.number)).scalars())

    def sweep(self, connection: Connection, owners: Iterable[str]) -> None:
        """Removes what no value of the owners names any more."""
        parts = self.tables.parts
        for owner in owners:
            mine = (parts.c.application_id == self.application, parts.c.owner == owner)
            connection.execute(delete(parts).where(*mine, parts.c.id.not_in(self._named(connection, owner))))

    def remove(self, connection: Connection, owners: Sequence[str]) -> None:
        """Removes all that belongs to the owners."""
        parts = self.tables.parts
        connection.execute(delete(parts).where(parts.c.application_id == self.application, parts.c.owner.in_(owners)))

    def _named(self, connection: Connection, owner: str) -> list[str]:
        queries = []
        for table in (self.tables.instances, self.tables.tasks, self.tables.earlier):
            id_ = next(table.c[name] for name in _OWNERS if name in table.c)
            mine = (table.c.application_id == self.application, id_ == owner)
            for name in _MARKED[table.name]:
                column = table.c[name]
                queries.append(select(func.substring(column, 2, 32)).where(*mine, func.left(column, 1) == _MARK))
        return [bytes(row[0]).decode() for row in connection.execute(union_all(*queries))]


def owner_of(columns: tuple[str, ...], row: tuple[Any, ...]) -> str:
    """Whom the long values of a row belong to: an instance, or the event of the outbox itself."""
    for name in _OWNERS:
        if name in columns:
            return str(row[columns.index(name)])
    key = f"{row[columns.index('source')]} {row[columns.index('id')]}"
    return "event:" + hashlib.sha256(escape(key).encode()).hexdigest()
