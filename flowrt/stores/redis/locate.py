"""Where the server is that takes the writes: fixed, as sentinels say, or the node of a cluster that has our slot.

It is asked for every new connection, so that a connection made after a failover goes to the server that took over.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from redis.asyncio import Redis
from redis.crc import key_slot
from redis.exceptions import AuthenticationError, RedisError
from redis.exceptions import ConnectionError as Unreachable

from flowrt.stores.redis.settings import RedisSettings

Address = tuple[str, int]
Locate = Callable[[], Awaitable[Address]]


def locator(settings: RedisSettings, key: bytes, options: Mapping[str, Any]) -> Locate | None:
    """How to find the server; None: it stays where it is. `key` is one of the keys, `options` those of a client."""
    if settings.sentinels:
        return SentinelMaster(settings, options)
    return SlotOwner(settings, key, options) if settings.cluster else None


class SentinelMaster:
    """The server that the sentinels name."""

    def __init__(self, settings: RedisSettings, options: Mapping[str, Any]) -> None:
        self._settings = settings
        self._options = dict(options)

    async def __call__(self) -> Address:
        failures = []
        for host, port in self._settings.sentinels:
            try:
                found = await self._ask(host, port)
            except (RedisError, OSError) as error:
                failures.append(f"{host}:{port}: {error}")
                continue
            if found is not None:
                return found[0].decode(), int(found[1])
            failures.append(f"{host}:{port} does not know it")
        raise Unreachable(f"no sentinel names the master: {'; '.join(failures)}")

    async def _ask(self, host: str, port: int) -> Any:
        question = ("SENTINEL GET-MASTER-ADDR-BY-NAME", self._settings.sentinel_master)
        try:
            # Most sentinels have no password, and some that have none refuse one.
            open_door = {**self._options, "username": None, "password": None}
            return await _asked(host, port, open_door, *question)
        except AuthenticationError:
            return await _asked(host, port, self._options, *question)


class SlotOwner:
    """The master of the slot in which all keys of the application are."""

    def __init__(self, settings: RedisSettings, key: bytes, options: Mapping[str, Any]) -> None:
        self._slot = key_slot(key)
        self._first = (settings.host, settings.port)
        self._known: list[Address] = [self._first]
        self._options = dict(options)

    async def __call__(self) -> Address:
        failures = []
        for host, port in list(self._known):
            try:
                slots = await _asked(host, port, self._options, "CLUSTER SLOTS")
            except (RedisError, OSError) as error:
                failures.append(f"{host}:{port}: {error}")
                continue
            nodes = [_address(node, host) for _, _, *nodes in slots for node in nodes]
            # Whoever answered comes first, the node of the settings last: it may have left the cluster.
            self._known = list(dict.fromkeys([(host, port), *nodes, self._first]))
            for first, last, master, *_ in slots:
                if first <= self._slot <= last:
                    return _address(master, host)
            failures.append(f"{host}:{port} knows no node for slot {self._slot}")
        raise Unreachable(f"no node of the cluster says where slot {self._slot} is: {'; '.join(failures)}")


def _address(node: Any, asked: str) -> Address:
    """A node without an address is reached where the one that was asked is."""
    host, port = node[0], node[1]
    return (host.decode() if isinstance(host, bytes) else host) or asked, int(port)


async def _asked(host: str, port: int, options: Mapping[str, Any], *question: str) -> Any:
    client: Any = Redis(host=host, port=port, single_connection_client=True, **options)
    # Answers as they are: the client would reshape some of them.
    client.response_callbacks.clear()
    async with client:
        return await client.execute_command(*question)
