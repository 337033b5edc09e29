"""ScriptedSteps: each step is one Lua script."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flowrt.stores.protocol import StoreUnavailable
from flowrt.stores.redis import names, scripts
from flowrt.stores.redis.layout import Argument, Layout
from flowrt.stores.redis.settings import RedisSettings
from flowrt.stores.redis.steps import Refusal
from flowrt.stores.sortable import text


class ScriptedSteps:
    """For Redis and Valkey: one round trip, and nobody sees half of it."""

    def __init__(self, client: Any, keys: names.Names, settings: RedisSettings) -> None:
        self._client = client
        self._names = keys
        self._settings = settings

    async def commit(self, layout: Layout) -> Refusal | None:
        keys = self._names.fixed()
        for pair in zip(layout.hashes, layout.histories, strict=True):
            keys += pair
        what, *concerned = await self._run(scripts.COMMIT, keys, _arguments(layout, keys))
        if what == b"token":
            return Refusal(current_token=int(concerned[0]))
        return Refusal(stale=concerned) if what == b"stale" else None

    async def delete(self, ids: Sequence[bytes]) -> int:
        keys = self._names.fixed()
        for id_ in ids:
            keys += [self._names.instance(id_), self._names.history(id_)]
        return int(await self._run(scripts.DELETE, keys, []))

    async def acquire(self, holder: str, ttl_ms: int) -> int:
        return int(await self._run(scripts.ACQUIRE, [self._names.lease], [text(holder), ttl_ms]))

    async def renew(self, token: int, ttl_ms: int) -> bool:
        return bool(await self._run(scripts.RENEW, [self._names.lease], [token, ttl_ms]))

    async def release(self, token: int) -> None:
        await self._run(scripts.RELEASE, [self._names.lease], [token])

    async def _run(self, script: str, keys: Sequence[bytes], arguments: Sequence[Argument]) -> Any:
        if self._settings.replicas < 1:
            return await self._client.eval(script, len(keys), *keys, *arguments)
        # WAIT counts what this very connection has written, so both go together.
        ask = self._client.pipeline(transaction=False)
        ask.eval(script, len(keys), *keys, *arguments)
        ask.execute_command("WAIT", self._settings.replicas, self._settings.timeout_ms // 2)
        answer, replicas = await ask.execute()
        if replicas < self._settings.replicas:
            raise StoreUnavailable(
                f"{self._settings.place}: {replicas} of {self._settings.replicas} replicas have the write"
            )
        return answer


def _arguments(layout: Layout, keys: Sequence[bytes]) -> list[Argument]:
    places = {key: place for place, key in enumerate(keys, start=1)}
    found: list[Argument] = [layout.token, len(layout.revisions), *layout.revisions]
    for key, name, arguments in layout.commands:
        found += (len(arguments) + 2, places[key], name, *arguments)
    for hash_, now in zip(layout.hashes, layout.places, strict=True):
        found += (3, places[hash_], "MOVE", now)
    for member, event in layout.events:
        found += (4, scripts.FIXED_KEYS - 1, "EVENT", member, event)
    for key, name, arguments in layout.closing:
        found += (len(arguments) + 2, places[key], name, *arguments)
    return found
