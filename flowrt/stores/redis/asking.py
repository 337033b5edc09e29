"""Questions to the server that take several commands."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from flowrt.core.records import BrokenRecord
from flowrt.stores.entries import entry_from
from flowrt.stores.protocol import Entry
from flowrt.stores.redis import names
from flowrt.stores.redis.splitting import parts_of

Item = TypeVar("Item")
_AT_ONCE = 200
_log = logging.getLogger(__name__)


async def each(client: Any, command: Callable[[Any, Item], Any], items: Sequence[Item]) -> list[Any]:
    """The answers to one command for each item, in one go; None where the key holds something else."""
    if not items:
        return []
    ask = client.pipeline(transaction=False)
    for item in items:
        command(ask, item)
    answers: list[Any] = await ask.execute(raise_on_error=False)
    for place, answer in enumerate(answers):
        if isinstance(answer, Exception):
            if not str(answer).startswith("WRONGTYPE"):
                raise answer
            answers[place] = None
    return answers


async def entries(client: Any, keys: names.Names, ids: Sequence[bytes]) -> list[Entry]:
    """The entries that can be read."""
    values = await each(client, lambda ask, id_: ask.hget(keys.instance(id_), "entry"), ids)
    found = []
    for id_, value in zip(ids, values, strict=True):
        try:
            if value is not None:
                found.append(entry_from(value))
        except BrokenRecord as error:
            _log.warning("%s is damaged and cannot be listed: %s", names.id_from(id_), error)
    return found


async def events_to_send(client: Any, keys: names.Names) -> list[bytes]:
    """The outbox, oldest first."""
    members = await client.zrange(keys.outbox_order, 0, -1)
    found: list[bytes] = []
    for start in range(0, len(members), _AT_ONCE):
        some = members[start : start + _AT_ONCE]
        values = await client.hmget(keys.outbox, some)
        for member, value in zip(some, values, strict=True):
            if value is not None:
                parts = parts_of(member, value)
                pieces = await client.hmget(keys.outbox, parts) if parts else [value]
                found.append(b"".join(piece or b"" for piece in pieces))
    return found
