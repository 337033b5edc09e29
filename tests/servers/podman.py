"""Podman serving Docker's API on a unix socket, with an image made from busybox: nothing is pulled from anywhere.

Containers share the machine's network, because an engine that itself runs in a container may not set up another.
`kill` ends the API alone, as with Docker: containers go on until `stop`.
"""

import json
import os
import socket
import tarfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from . import homes
from .install import program, run
from .process import finish
from .single import SingleProcessServer

_CONFIGURATION = """\
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"

[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
netns = "host"
log_driver = "k8s-file"
"""
_PACKAGES = ("podman", "runc", "busybox-static")
_APPLETS = ("sh", "echo", "cat", "ls", "sleep", "env", "true", "false", "wc", "pwd", "mkdir", "rm", "touch", "tr")


class Podman(SingleProcessServer):
    name = "podman"
    image = "localhost/busybox:latest"

    @property
    def url(self) -> str:
        return f"unix://{self._socket}"

    def fetch(self) -> None:
        for name in ("podman", "runc", "busybox"):
            program(name, *_PACKAGES)
        if os.geteuid() != 0:
            run([program("podman"), "info"], "podman without root needs newuidmap and a line in /etc/subuid")

    def prepare(self, folder: Path) -> None:
        # Sockets, and what runs, live under paths of at most fifty characters.
        self._short = homes.short_folder()
        self._folder = folder
        (folder / "containers.conf").write_text(_CONFIGURATION)
        self._root = folder / "busybox.tar"
        _write_root(self._root)
        self.add_image(self.image)

    def add_image(self, name: str, *command: str) -> None:
        """One more image of busybox, with what it runs when it is not told otherwise."""
        changes = ["--change", f"CMD {json.dumps(command)}"] if command else []
        self._finish("import", *changes, self._root, name)

    def environment(self) -> dict[str, str]:
        return {"CONTAINERS_CONF": str(self._folder / "containers.conf"), "STORAGE_DRIVER": "vfs"}

    def command(self) -> Sequence[str | Path]:
        return self._podman("system", "service", "--time", "0", self.url)

    def ready(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(str(self._socket)) == 0

    def stop(self) -> None:
        if self._process is not None:
            self._finish("rm", "--all", "--force", "--time", "0")
        super().stop()

    @property
    def _socket(self) -> Path:
        return self._short / "podman.sock"

    def _podman(self, *arguments: str | Path) -> list[str | Path]:
        folders = [
            "--root",
            self._folder / "storage",
            "--runroot",
            self._short / "run",
            "--tmpdir",
            self._short / "tmp",
        ]
        return [program("podman", *_PACKAGES), *map(str, folders), *arguments]

    def _finish(self, *arguments: str | Path) -> None:
        finish(self._podman(*arguments), environment=self.environment())


def _write_root(path: Path) -> None:
    """The image's file system: busybox, its commands as links to it, and the folders programs expect."""
    with tarfile.open(path, "w") as root:
        for folder in ("bin", "etc", "proc", "sys", "dev", "tmp"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            root.addfile(entry)
        root.add(program("busybox", *_PACKAGES).resolve(), "bin/busybox")
        for applet in _APPLETS:
            entry = tarfile.TarInfo(f"bin/{applet}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            root.addfile(entry)
        users = b"root:x:0:0:root:/:/bin/sh\n"
        entry = tarfile.TarInfo("etc/passwd")
        entry.size = len(users)
        root.addfile(entry, BytesIO(users))
