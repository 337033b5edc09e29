"""A Redis Cluster of three masters and three replicas."""

from pathlib import Path

from .install import Missing
from .ports import free_ports
from .process import finish, wait_until
from .redis import Redis, redis_program

_SETTINGS = ("cluster-enabled yes", "cluster-node-timeout 1000", "repl-diskless-sync-delay 0", "shutdown-timeout 0")
_WHOLE_WITHIN_S = 120


class RedisCluster:
    name = "redis_cluster"

    def __init__(self) -> None:
        buses = free_ports(6)
        self.nodes = [Redis(settings=(*_SETTINGS, f"cluster-port {bus}")) for bus in buses]

    @property
    def url(self) -> str:
        """The first node; a client of clusters finds the others."""
        return self.nodes[0].url

    def unavailable(self) -> str | None:
        try:
            redis_program("cli")
        except Missing as missing:
            return str(missing)
        return self.nodes[0].unavailable()

    def start(self, folder: Path) -> None:
        for number, node in enumerate(self.nodes):
            node.start(folder / f"node-{number}")
        addresses = [f"127.0.0.1:{node.port}" for node in self.nodes]
        create: list[str | Path] = [
            redis_program("cli"),
            "--cluster",
            "create",
            *addresses,
            "--cluster-replicas",
            "1",
            "--cluster-yes",
        ]
        finish(create)
        self._wait_until_whole()

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()

    def kill(self) -> None:
        for node in self.nodes:
            node.kill()

    def restart(self) -> None:
        for node in self.nodes:
            node.restart()
        self._wait_until_whole()

    def masters(self) -> list[Redis]:
        """The running nodes that are masters in their own eyes."""
        return [node for node in self.nodes if node.running and node.ask("ROLE")[0] == "master"]

    def failover(self) -> None:
        """Kills one master, waits until its replica has its slots, and brings it back as that one's replica."""
        lost = self.masters()[0]
        lost.kill()
        self._wait_until_whole(f"redis_cluster takes over from its node on port {lost.port}")
        lost.restart()
        self._wait_until_whole()

    def _wait_until_whole(self, what: str = "redis_cluster is whole") -> None:
        wait_until(self._whole, what, _WHOLE_WITHIN_S)

    def _whole(self) -> bool:
        """Three masters have all the slots as every running node sees it, and every running replica is in step."""
        running = [node for node in self.nodes if node.running]
        replicas = [role for role in (node.ask("ROLE") for node in running) if role[0] != "master"]
        return (
            len(running) - len(replicas) == 3
            and all(role[3] == "connected" for role in replicas)
            and all("cluster_state:ok" in node.ask("CLUSTER", "INFO") for node in running)
        )
