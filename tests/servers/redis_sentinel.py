"""A Redis master with two replicas, watched by three sentinels."""

from collections.abc import Sequence
from pathlib import Path

import redis

from .process import ServerFailed, wait_until
from .redis import Redis

_SETTLED_WITHIN_S = 120
_NODE = ("repl-diskless-sync-delay 0", "shutdown-timeout 0")


class _Sentinel(Redis):
    """A sentinel keeps what it knows in its own configuration file, so that a restart goes on from there."""

    name = "sentinel"

    def __init__(self, service: str, master_port: int) -> None:
        super().__init__()
        self._lines = [
            "bind 127.0.0.1",
            f"sentinel monitor {service} 127.0.0.1 {master_port} 2",
            f"sentinel down-after-milliseconds {service} 500",
            f"sentinel failover-timeout {service} 3000",
        ]

    def command(self) -> Sequence[str | Path]:
        return [*super().command(), "--sentinel"]


class RedisSentinel:
    name = "redis_sentinel"
    service = "flowrt"

    def __init__(self) -> None:
        self.nodes: list[Redis] = []
        self.sentinels: list[Redis] = []

    @property
    def url(self) -> str:
        """The master of the moment; a client of sentinels asks `sentinel_addresses` for `service` instead."""
        return self.master().url

    @property
    def sentinel_addresses(self) -> list[tuple[str, int]]:
        return [("127.0.0.1", sentinel.port) for sentinel in self.sentinels]

    def unavailable(self) -> str | None:
        return Redis().unavailable()

    def start(self, folder: Path) -> None:
        master = Redis(settings=_NODE)
        master.start(folder / "node-0")
        replicas = [Redis(settings=[*_NODE, f"replicaof 127.0.0.1 {master.port}"]) for _ in range(2)]
        self.sentinels = [_Sentinel(self.service, master.port) for _ in range(3)]
        self.nodes = [master, *replicas]
        for number, node in enumerate(replicas, start=1):
            node.start(folder / f"node-{number}")
        for number, sentinel in enumerate(self.sentinels):
            sentinel.start(folder / f"sentinel-{number}")
        self._wait_until_settled()

    def stop(self) -> None:
        for server in [*self.sentinels, *self.nodes]:
            server.stop()

    def kill(self) -> None:
        for server in [*self.sentinels, *self.nodes]:
            server.kill()

    def restart(self) -> None:
        for server in [*self.nodes, *self.sentinels]:
            server.restart()
        self._wait_until_settled()

    def master(self) -> Redis:
        """The node that the first sentinel names."""
        port = self._named_by(self.sentinels[0])
        for node in self.nodes:
            if node.port == port:
                return node
        raise ServerFailed(f"redis_sentinel: the sentinels name port {port}, which is none of its nodes")

    def failover(self) -> None:
        """Kills the master, waits until all sentinels name another, and brings the lost one back as a replica."""
        lost = self.master()
        lost.kill()
        wait_until(
            lambda: all(self._named_by(sentinel) != lost.port for sentinel in self.sentinels),
            f"redis_sentinel names another master than the one on port {lost.port}",
            _SETTLED_WITHIN_S,
        )
        lost.restart()
        # The sentinels would do the same, but only after ten seconds of watching it.
        lost.ask("REPLICAOF", "127.0.0.1", str(self.master().port))
        lost.ask("CONFIG", "REWRITE")
        self._wait_until_settled()

    def _named_by(self, sentinel: Redis) -> int:
        return int(sentinel.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.service)[1])

    def _wait_until_settled(self) -> None:
        def settled() -> bool:
            try:
                return self._settled()
            except redis.ConnectionError:  # a sentinel closes a node's connections when it changes its role
                return False

        wait_until(settled, "redis_sentinel has one master that all agree on", _SETTLED_WITHIN_S)

    def _settled(self) -> bool:
        """Every sentinel knows the others and names one master, which has two replicas in step."""
        masters = {self._named_by(sentinel) for sentinel in self.sentinels}
        roles = {node.port: node.ask("ROLE") for node in self.nodes}
        leading = {port for port, role in roles.items() if role[0] == "master"}
        return (
            masters == leading
            and len(masters) == 1
            and all(role[3] == "connected" for role in roles.values() if role[0] != "master")
            and all(self._sees_all(sentinel) for sentinel in self.sentinels)
        )

    def _sees_all(self, sentinel: Redis) -> bool:
        known = sentinel.ask("SENTINEL", "MASTER", self.service)
        return (known["num-slaves"], known["num-other-sentinels"]) == ("2", "2")
