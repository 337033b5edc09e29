"""Docker creation: a container as the request that creates it, and its stdin as the archive that is put into it."""

from __future__ import annotations

import io
import tarfile
from typing import Any

from flowrt.core.effect import Json
from flowrt.effects.container.definition import Container, reading
from flowrt.effects.container.settings import ContainerSettings

_STDIN = "flowrt.stdin"


def creation(container: Container, image: Json, settings: ContainerSettings) -> dict[str, Any]:
    configured = image["Config"] or {}
    entrypoint, default = configured.get("Entrypoint") or [], configured.get("Cmd") or []
    if container.command is not None:
        entrypoint, command = list(container.command), list(container.arguments)
    elif container.arguments:
        # An entrypoint takes arguments in place of the default ones; a plain command gets them added.
        command = list(container.arguments) if entrypoint else [*default, *container.arguments]
    else:
        command = default
    if container.stdin is not None:
        entrypoint, command = list(reading((*entrypoint, *command), f"/{_STDIN}")), []
    limits = {"NetworkMode": settings.network, "Memory": settings.memory_bytes, "PidsLimit": settings.pids}
    if settings.cpus is not None:
        limits["NanoCpus"] = int(settings.cpus * 1_000_000_000)
    return {
        "Image": container.image,
        **({"Entrypoint": entrypoint} if entrypoint else {}),
        "Cmd": command,
        "Env": [f"{name}={value}" for name, value in container.environment.items()],
        "Labels": container.labels,
        "ExposedPorts": {_exposed(inside): {} for inside in container.ports.values()},
        "HostConfig": {
            "Binds": [f"{source}:{target}" for source, target in container.volumes.items()],
            "PortBindings": _bindings(container),
            **{name: value for name, value in limits.items() if value is not None},
        },
    }


def _bindings(container: Container) -> dict[str, list[dict[str, str]]]:
    bindings: dict[str, list[dict[str, str]]] = {}
    for outside, inside in container.ports.items():
        address, _, port = outside.rpartition(":")
        bindings.setdefault(_exposed(inside), []).append({"HostIp": address, "HostPort": port})
    return bindings


def _exposed(port: str) -> str:
    return port if "/" in port else f"{port}/tcp"


def archive(stdin: bytes) -> bytes:
    """The tar file that puts stdin into the container, readable by whatever user it runs as."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        entry = tarfile.TarInfo(_STDIN)
        entry.size, entry.mode = len(stdin), 0o444
        tar.addfile(entry, io.BytesIO(stdin))
    return packed.getvalue()
