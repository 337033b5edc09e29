"""The Store protocol: what every backend promises, and the records that pass through it.

A store holds the instances of one application. Its promises, examined by the contract suite in `flowrt.testing`:

- `commit` is atomic: all of a batch is written, or nothing. When it returns, the batch is as durable as the store is.
- The fence is in the write itself: a token that is not the current one writes nothing (`StaleOwner`).
- A checkpoint is written if the store holds the revision before it. If it holds this very revision, written under the
  same token, the batch had been written already (the caller was told otherwise) and `commit` succeeds without effect.
- What a commit changes and what finds it (status, wake-up time, subscriptions, tags) never disagree.
- Failures of the backend are `StoreUnavailable`: the caller may repeat the same batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from flowrt.core.definition import Subscription
from flowrt.core.instance import StateKey
from flowrt.core.records import Stored

Json = Any
Mark = tuple[str, str, float]
"""An accepted event: source, id, and until when it is known (epoch seconds)."""


class StoreUnavailable(Exception):
    """The backend did not do it, or did not say; the same call may be repeated. The message says what and where."""


class StaleOwner(Exception):
    """Another process owns what this one tried to write. `instances` are those concerned; empty: all of them."""

    def __init__(self, message: str, instances: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.instances = tuple(instances)


class StoreRefused(Exception):
    """The store cannot be used as configured (schema behind, not durable, wrong version); says what to do."""


@dataclass(slots=True)
class Entry:
    """What finds an instance without reading it."""

    id: str
    namespace: str
    name: str
    version: str
    digest: str
    role: str
    status: str
    started_at: float
    ended_at: float | None = None
    wake_at: float | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    parent: str | None = None


@dataclass(slots=True)
class Checkpoint:
    """What one commit writes of one instance."""

    entry: Entry
    revision: int
    """The revision it writes, from 1; the store must hold the one before (for 1: nothing)."""
    head: dict[str, Json]
    """Replaces the head."""
    fields: dict[str, Json] = field(default_factory=dict)
    """Replaces these large members: `input`, `context`, `output`, `error`."""
    live: dict[StateKey, tuple[Json, Json] | None] = field(default_factory=dict)
    """Live states: (fixed piece or None if stored before, moving piece); None: the state is gone."""
    history: list[tuple[str, Json]] = field(default_factory=list)
    """Completed tasks: (key of the loop around it or empty, record with `position`, `iteration`, …), to be appended."""
    pruned: dict[str, int] = field(default_factory=dict)
    """Loop key -> history of that loop with earlier iterations than this goes."""
    subscriptions: Sequence[Subscription] | None = None
    """Replaces what it listens for; None: as before."""
    outbox: list[dict[str, Json]] = field(default_factory=list)
    """Events to be published; each stays in the outbox until a batch names it as sent."""


@dataclass(slots=True)
class Batch:
    """What one commit writes."""

    checkpoints: list[Checkpoint] = field(default_factory=list)
    seen: list[Mark] = field(default_factory=list)
    """Events that have been accepted: source, id, when the mark may go (epoch seconds)."""
    sent: list[tuple[str, str]] = field(default_factory=list)
    """Outbox events (source, id) that have been published."""
    outbox: list[dict[str, Json]] = field(default_factory=list)
    """Events to be published that belong to no checkpoint of the batch."""

    def emitted(self) -> Iterator[dict[str, Json]]:
        """All events to be published."""
        for checkpoint in self.checkpoints:
            yield from checkpoint.outbox
        yield from self.outbox


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition as the store keeps it: by digest for the instances pinned to it."""

    digest: str
    namespace: str
    name: str
    version: str
    source: str
    deployed: bool
    """It was deployed through the API and is to be served after a restart."""
    base_uri: str | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """Which instances to list, newest start first."""

    status: str | None = None
    namespace: str | None = None
    name: str | None = None
    version: str | None = None
    tag: tuple[str, str] | None = None
    since: float | None = None
    """Started at or after (epoch seconds)."""
    role: str | None = "workflow"
    cursor: str | None = None
    limit: int = 100

    def matches(self, entry: Entry) -> bool:
        """Whether an entry is among those asked for, on whatever page."""
        same = (
            (self.status, entry.status),
            (self.namespace, entry.namespace),
            (self.name, entry.name),
            (self.version, entry.version),
            (self.role, entry.role),
        )
        if any(wanted is not None and wanted != found for wanted, found in same):
            return False
        if self.tag is not None and entry.tags.get(self.tag[0]) != self.tag[1]:
            return False
        return self.since is None or entry.started_at >= self.since


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list and the cursor of the next one."""

    items: Sequence[Entry]
    next: str | None


class Store(Protocol):
    """A backend. One per process and application; used from one event loop."""

    name: str
    durable: bool
    """Whether anything outlives the process."""

    async def open(self) -> None:
        """Connects, prepares what is missing and permitted. Raises `StoreRefused` or `StoreUnavailable`."""
        ...

    async def close(self) -> None:
        """Releases everything; commits that were acknowledged stay."""
        ...

    async def acquire(self, holder: str, ttl_s: float) -> int | None:
        """The application's lease as a fencing token, larger than any before; None while another holder has it.

        Time is the server's own where there is a server.
        """
        ...

    async def renew(self, token: int, ttl_s: float) -> bool:
        """Prolongs the lease; False if it was lost."""
        ...

    async def release(self, token: int) -> None:
        """Gives the lease back."""
        ...

    async def commit(self, batch: Batch, token: int) -> None:
        """Writes a batch, atomically and durably. Raises `StaleOwner` (nothing written) or `StoreUnavailable`."""
        ...

    async def load(self, ids: Sequence[str]) -> dict[str, Stored | BrokenEntry]:
        """The instances that exist, by id; a damaged one as `BrokenEntry`."""
        ...

    async def unfinished(
        self, after: str | None = None, limit: int = 1000
    ) -> list[tuple[Entry, Sequence[Subscription]]]:
        """Instances that have not ended, by id from `after` on: what a restart has to know, without their states."""
        ...

    async def find(self, query: Query) -> Page:
        """Instances in any status, newest first."""
        ...

    async def history(self, id: str) -> list[Json]:
        """The completed tasks of an instance, in order of completion."""
        ...

    async def delete(self, ids: Sequence[str]) -> int:
        """Removes instances with everything that belongs to them; how many there were."""
        ...

    async def expired(self, status: str, ended_before: float, limit: int) -> list[str]:
        """Instances that ended so before that time."""
        ...

    async def put_definition(self, definition: Definition) -> None:
        """Keeps a definition; the same digest again replaces only `deployed`."""
        ...

    async def definition(self, digest: str) -> Definition | None:
        """A definition by its digest."""
        ...

    async def deployed(self) -> list[Definition]:
        """The definitions deployed through the API."""
        ...

    async def seen(self, events: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        """Which of these events (source, id) have been accepted before."""
        ...

    async def marks(self, after: Mark | None = None, limit: int = 1000) -> Sequence[Mark]:
        """A page of the events marked as accepted, in an order of the store's own; `after`: the last one before it.

        SQL stores cut what is longer than 255 bytes, and give it as they know it.
        """
        ...

    async def forget_seen(self, before: float) -> None:
        """Removes marks of accepted events that may go."""
        ...

    async def outbox(self) -> list[dict[str, Json]]:
        """Events that were emitted and not yet sent, oldest first."""
        ...

    async def check(self) -> str | None:
        """Why the store cannot be used right now, or None (for readiness)."""
        ...

    async def info(self) -> dict[str, Json]:
        """What an operator wants to know: place, version, durability, counts."""
        ...


@dataclass(frozen=True, slots=True)
class BrokenEntry:
    """A record that cannot be read, and why."""

    id: str
    reason: str
