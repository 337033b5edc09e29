"""One commit, inside one transaction: the fence, the revisions, then one statement for each kind of row.

The lease row is read under a lock that a takeover has to wait for, so a token that was current at the fence is current
until the transaction ends. The instances are locked with their revisions, so a repeated batch and the transaction of
its first, interrupted try exclude each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.sql import Select

from flowrt.stores.protocol import Batch, Checkpoint, StaleOwner
from flowrt.stores.sql import rows
from flowrt.stores.sql.bulk import Bulk, Standing, Verbs, Where
from flowrt.stores.sql.events import Events
from flowrt.stores.sql.leases import Leases
from flowrt.stores.sql.queries import Queries
from flowrt.stores.sql.rows import Plan
from flowrt.stores.sql.tables import Tables


@dataclass(slots=True)
class Commits:
    """Writes batches of one application."""

    tables: Tables
    queries: Queries
    bulk: Bulk
    leases: Leases
    events: Events
    _held: Select[Any] = field(init=False)

    def __post_init__(self) -> None:
        table = self.tables.instances
        columns = (table.c.instance_id, table.c.revision, table.c.token, table.c.tags)
        self._held = self.queries.locked(self.queries.among(table.c.instance_id, *columns), table)

    def write(self, connection: Connection, batch: Batch, plan: Plan, token: int, careful: bool) -> None:
        """Writes a batch. `careful` looks at what is there first, and expects records of earlier attempts anywhere.

        Raises `StaleOwner`; and `IntegrityError` or `Unexpected` where what is there was in the way.
        """
        if not careful and self._together(connection, batch, plan, token):
            return
        self.leases.fence(connection, token)
        standing = {}
        if careful or any(checkpoint.revision > 1 for checkpoint in batch.checkpoints):
            standing = self._standing(connection, [checkpoint.entry.id for checkpoint in batch.checkpoints])
            if written_before(batch.checkpoints, standing, token):
                return
        # Else all are new, and one that is there already is in the way: then it is looked for, carefully.
        self._rows(self.bulk, connection, batch, plan, standing, token, careful)

    def _together(self, connection: Connection, batch: Batch, plan: Plan, token: int) -> bool:
        """Whether the batch could be written without looking first, since all is as it should be."""
        if plan.retried and plan.pruned:
            # What a retried task displaces is copied, unless it has just been pruned: one after the other.
            return False
        expected = {
            checkpoint.entry.id: Standing(checkpoint.revision - 1, token, plan.tags[checkpoint.entry.id][0])
            for checkpoint in batch.checkpoints
            if checkpoint.revision > 1
        }
        together = self.bulk.together(connection, expected, token)
        if together is None:
            return False
        self._rows(together, connection, batch, plan, expected, token, careful=False)
        return together.write(connection)

    def _standing(self, connection: Connection, ids: Sequence[str]) -> dict[str, Standing]:
        found = self.queries.rows(connection, self._held, ids)
        return {id_: Standing(revision, token, tags) for id_, revision, token, tags in found}

    def _rows(
        self,
        bulk: Verbs,
        connection: Connection,
        batch: Batch,
        plan: Plan,
        standing: dict[str, Standing],
        token: int,
        careful: bool,
    ) -> None:
        self._instances(bulk, connection, plan, standing)
        self._tasks(bulk, connection, plan, careful)
        self.events.write(bulk, connection, batch, token)

    def _instances(self, bulk: Verbs, connection: Connection, plan: Plan, standing: dict[str, Standing]) -> None:
        table = self.tables.instances
        if plan.created:
            bulk.insert(connection, table, rows.NEW_INSTANCE, plan.created)
        if plan.changed:
            bulk.update(connection, table, rows.BY_INSTANCE, rows.INSTANCE_CHANGE, plan.changed)
        retagged = [id_ for id_, (tags, _) in plan.tags.items() if id_ in standing and standing[id_].tags != tags]
        if retagged:
            bulk.delete(connection, self.tables.tags, rows.BY_INSTANCE, [(id_,) for id_ in retagged])
        tagged = [row for id_ in plan.tags if id_ not in standing or id_ in retagged for row in plan.tags[id_][1]]
        if tagged:
            bulk.insert(connection, self.tables.tags, rows.TAG, tagged)

    def _tasks(self, bulk: Verbs, connection: Connection, plan: Plan, careful: bool) -> None:
        table = self.tables.tasks
        if plan.unlived:
            bulk.delete(connection, table, rows.LIVE_TASK, plan.unlived)
        if plan.pruned:
            bulk.delete(connection, table, rows.PRUNED_TASK, plan.pruned)
            bulk.delete(connection, self.tables.earlier, rows.PRUNED_EARLIER, plan.pruned)
        taken = plan.task_keys() if careful else plan.retried
        if taken:
            bulk.copy(connection, table, self.tables.earlier, rows.EARLIER, rows.COMPLETED_TASK, taken)
            bulk.delete(connection, table, rows.COMPLETED_TASK, taken)
        if plan.earlier:
            bulk.insert(connection, self.tables.earlier, rows.EARLIER, plan.earlier)
        if plan.tasks:
            bulk.insert(connection, table, rows.NEW_TASK, plan.tasks)
        if plan.moved:
            bulk.update(connection, table, rows.LIVE_TASK, rows.MOVED, plan.moved)

    def remove(self, connection: Connection, ids: Sequence[str]) -> int:
        """Removes instances with everything that belongs to them."""
        keys = [(id_,) for id_ in self._standing(connection, ids)]
        if keys:
            for tasks in (self.tables.tasks, self.tables.earlier):
                self.bulk.delete(connection, tasks, Where(("process_instance_id",)), keys)
            self.bulk.delete(connection, self.tables.tags, rows.BY_INSTANCE, keys)
            self.bulk.delete(connection, self.tables.instances, rows.BY_INSTANCE, keys)
        return len(keys)


def written_before(checkpoints: Sequence[Checkpoint], standing: dict[str, Standing], token: int) -> bool:
    """Whether the batch had been written already. Raises `StaleOwner` when other revisions are in the way."""
    stale, written = [], []
    for checkpoint in checkpoints:
        held = standing.get(checkpoint.entry.id)
        revision = 0 if held is None else held.revision
        if held is not None and revision == checkpoint.revision and held.token == token:
            written.append(checkpoint.entry.id)
        elif revision != checkpoint.revision - 1:
            stale.append(checkpoint.entry.id)
    if written and not stale and len(written) < len(checkpoints):
        # Not the batch that was written, but another with parts of it: what is new in it must not get lost.
        stale = written
    if stale:
        raise StaleOwner(f"{len(stale)} of {len(checkpoints)} instances have another revision in the store", stale)
    return bool(written)
