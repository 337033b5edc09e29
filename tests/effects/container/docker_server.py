"""Docker itself, without a network of its own, with the image that the tests' Podman has."""

import os
import socket
from collections.abc import Sequence
from pathlib import Path

import httpx

from tests.servers import homes
from tests.servers.install import Missing, program
from tests.servers.podman import Podman
from tests.servers.single import SingleProcessServer


class Docker(SingleProcessServer):
    name = "docker"
    image = Podman.image

    def __init__(self, podman: Podman) -> None:
        super().__init__()
        self._podman = podman

    @property
    def url(self) -> str:
        return f"unix://{self._short / 'docker.sock'}"

    def fetch(self) -> None:
        if os.geteuid() != 0:
            raise Missing("dockerd needs root: run the tests as root, or have Podman alone tested")
        program("dockerd", "docker.io")

    def prepare(self, folder: Path) -> None:
        self._short = homes.short_folder()
        self._folder = folder

    def command(self) -> Sequence[str | Path]:
        places = ["--data-root", self._folder / "data", "--exec-root", self._short / "run"]
        alone = ["--bridge", "none", "--iptables=false", "--storage-driver", "vfs", "--shutdown-timeout", "1"]
        cgroups = ["--exec-opt", "native.cgroupdriver=cgroupfs"]
        files = ["--pidfile", self._short / "docker.pid", "--config-file", self._configuration()]
        # In a mount namespace of its own: what it mounts and leaves goes with it, however it ends.
        apart = [program("unshare", "util-linux"), "--mount", "--propagation", "private", "--"]
        daemon = [program("dockerd", "docker.io"), "--host", self.url]
        return [*apart, *daemon, *places, *alone, *cgroups, *files]

    def ready(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(str(self._short / "docker.sock")) == 0

    def populate(self) -> None:
        with _client(self._podman.url) as podman, _client(self.url) as docker:
            saved = podman.get(f"/images/{self.image}/get").raise_for_status().content
            docker.post("/images/load", content=saved).raise_for_status()

    def _configuration(self) -> Path:
        """An empty one: what the machine's own Docker is told is not for this one."""
        path = self._folder / "daemon.json"
        path.write_text("{}")
        return path


def _client(url: str) -> httpx.Client:
    transport = httpx.HTTPTransport(uds=url.removeprefix("unix://"))
    return httpx.Client(transport=transport, base_url="http://engine", timeout=60)
