"""What a Redis server does with what it has acknowledged: asked at start, told to the operator."""

from __future__ import annotations

import logging
from typing import Any

from redis.exceptions import ResponseError

from flowrt.stores.protocol import StoreRefused
from flowrt.stores.redis.settings import RedisSettings

_log = logging.getLogger(__name__)
_ASKED = ("appendonly", "appendfsync", "maxmemory-policy")


async def durability_of(client: Any) -> dict[str, str]:
    """Those of the three settings that the server tells."""
    found: dict[str, str] = {}
    for name in _ASKED:
        try:
            answer = await client.config_get(name)
        except ResponseError:  # a managed server, or a user without this right
            break
        found.update({_text(key): _text(value) for key, value in answer.items() if _text(key) == name})
    if found.get("maxmemory-policy") == "":  # not Redis: it has the names of these settings, but no such settings
        return {}
    if "appendonly" not in found or "maxmemory-policy" not in found:
        found = {**await _told_by_info(client), **found}
    return found


async def check_durability(client: Any, settings: RedisSettings) -> dict[str, str]:
    """Warns of what would be lost, and when; refuses it under `require_durable`."""
    found = await durability_of(client)
    lost = list(losses(found))
    if lost and settings.require_durable:
        raise StoreRefused(
            f"{settings.place} may lose what it has acknowledged: {'; '.join(lost)}. "
            "Set it so, or set storage.require-durable to false"
        )
    for loss in lost:
        _log.warning("%s: %s", settings.place, loss)
    for name in _ASKED:
        if name not in found:
            _log.warning("%s does not tell '%s': see to it that nothing acknowledged is lost", settings.place, name)
    return found


def losses(found: dict[str, str]) -> list[str]:
    """What may be lost under these settings, each with what to set."""
    lost = []
    if found.get("appendonly") == "no":
        lost.append("a restart loses what is not in its last snapshot; set 'appendonly yes'")
    elif found.get("appendfsync", "always") != "always":
        lost.append(
            f"with 'appendfsync {found['appendfsync']}' power loss loses the last moments; set 'appendfsync always'"
        )
    policy = found.get("maxmemory-policy", "noeviction")
    if policy != "noeviction":
        lost.append(f"with 'maxmemory-policy {policy}' it removes keys when memory is short; set 'noeviction'")
    return lost


async def _told_by_info(client: Any) -> dict[str, str]:
    try:
        persistence, memory = await client.info("persistence"), await client.info("memory")
    except ResponseError:
        return {}
    found = {}
    if "aof_enabled" in persistence:
        found["appendonly"] = "yes" if persistence["aof_enabled"] else "no"
    if "maxmemory_policy" in memory:
        found["maxmemory-policy"] = str(memory["maxmemory_policy"])
    return found


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
